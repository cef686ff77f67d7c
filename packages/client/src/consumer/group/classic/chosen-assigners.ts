// The assigners of one consumer, and the way of rebalancing that they have in common.
import { KafkaJSNonRetriableError } from '../../../errors/index.ts'
import type { Assigner, GroupState, MemberSubscription, RebalanceProtocol } from '../../assignors/types.ts'

/** Made by `assignersOf`. */
export interface ChosenAssigners {
  readonly protocol: RebalanceProtocol
  byName(name: string): Assigner | undefined
  /** What a member enters its group with. */
  protocols(subscription: MemberSubscription): GroupState[]
}

/** Throws KafkaJSNonRetriableError when there is none, two share a name, or they have no way of rebalancing in common. */
export function assignersOf(assigners: readonly Assigner[]): ChosenAssigners {
  const byName = new Map(assigners.map(assigner => [assigner.name, assigner]))
  if (assigners.length === 0) throw new KafkaJSNonRetriableError('A consumer needs at least one partition assigner')
  if (byName.size < assigners.length) throw new KafkaJSNonRetriableError('Two partition assigners have the same name')
  const all = (protocol: RebalanceProtocol): boolean =>
    assigners.every(({ rebalanceProtocols = ['eager'] }) => rebalanceProtocols.includes(protocol))
  if (!all('cooperative') && !all('eager')) {
    const names = assigners.map(({ name }) => name).join(', ')
    throw new KafkaJSNonRetriableError(`The partition assigners ${names} have no rebalance protocol in common`)
  }
  return {
    protocol: all('cooperative') ? 'cooperative' : 'eager',
    byName: name => byName.get(name),
    protocols: subscription => assigners.map(assigner => assigner.protocol(subscription)),
  }
}
