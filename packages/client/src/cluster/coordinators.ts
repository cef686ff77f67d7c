// Which nodes coordinate which groups and transactional ids: found when asked for (FindCoordinator), forgotten when wrong.
import type { FindCoordinatorRequestInit, FindCoordinatorResponse } from '@ottla/protocol'
import { ErrorCode } from '@ottla/protocol'
import { protocolError } from '../errors/index.ts'
import type { NodeFacts } from './cluster.ts'

/** What a coordinator coordinates. */
export type CoordinatorKey = { readonly group: string } | { readonly transaction: string }

/** What coordinators are found with. */
export interface CoordinatorsParts {
  /** Asks any broker. */
  ask(body: (version: number) => FindCoordinatorRequestInit): Promise<FindCoordinatorResponse>
  /** A broker was told of. */
  learnNode(node: NodeFacts): void
}

const GROUP = 0
const TRANSACTION = 1

/** Coordinators of groups and transactional ids. */
export class Coordinators {
  readonly #parts: CoordinatorsParts
  readonly #known = new Map<string, number>()
  readonly #asking = new Map<string, Promise<number>>()

  constructor(parts: CoordinatorsParts) {
    this.#parts = parts
  }

  /** Node id of a coordinator: as known, else asked for; all who ask at once share the answer. */
  find(key: CoordinatorKey): number | Promise<number> {
    const name = nameOf(key)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const asking = this.#asking.get(name)
    if (asking !== undefined) return asking
    const answer = this.#ask(key, name).finally(() => this.#asking.delete(name))
    this.#asking.set(name, answer)
    return answer
  }

  forget(key: CoordinatorKey): void {
    this.#known.delete(nameOf(key))
  }

  /** Forgets all that a node coordinates: it cannot be reached, others may have taken over. */
  forgetNode(nodeId: number): void {
    for (const [name, known] of this.#known) if (known === nodeId) this.#known.delete(name)
  }

  clear(): void {
    this.#known.clear()
  }

  async #ask(key: CoordinatorKey, name: string): Promise<number> {
    const [keyType, id] = 'group' in key ? [GROUP, key.group] : [TRANSACTION, key.transaction]
    const answer = await this.#parts.ask(version => {
      if (version >= 4) return { keyType, coordinatorKeys: [id] }
      return version === 0 ? { key: id } : { key: id, keyType }
    })
    const found = answer.coordinators.find(one => one.key === id) ?? answer
    if (found.errorCode !== 0) throw protocolError(found.errorCode, found.errorMessage ?? undefined)
    const { nodeId, host, port } = found
    // An answer that names no broker, or is not about this key.
    if (nodeId < 0 || host === '') throw protocolError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    this.#parts.learnNode({ nodeId, host, port, rack: null })
    this.#known.set(name, nodeId)
    return nodeId
  }
}

const nameOf = (key: CoordinatorKey): string => ('group' in key ? `group ${key.group}` : `transaction ${key.transaction}`)
