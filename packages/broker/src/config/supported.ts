// What a configuration asks for and is not there yet. What would be less safe than the user believes is refused, the rest is named.
import type { Given } from './given.ts'
import { brokerDefinitions } from './definitions.ts'
import { canonicalText } from './validate.ts'

interface Gap {
  readonly names: RegExp
  readonly refused?: string
}

const gaps: readonly Gap[] = [
  { names: /^authorizer\.class\.name$/, refused: 'authorization is not supported yet: everybody may do everything' },
  { names: /^(?:config\.providers$|config\.providers\.)/, refused: 'configuration providers are not supported yet' },
  { names: /^(?:create\.topic|alter\.config)\.policy\.class\.name$/, refused: 'policies are not supported yet' },
  { names: /^remote\.log\.storage\.system\.enable$/, refused: 'tiered storage is not supported yet' },
  { names: /^(?:client\.quota\.callback|principal\.builder|security\.providers|replica\.selector)/ },
  { names: /^(?:sasl|ssl|delegation\.token|connections\.max\.reauth|connection\.failed\.authentication)\./ },
  { names: /^listener\.name\./ },
  { names: /^(?:group\.(?:share|streams|coordinator\.(?!rebalance))|share|remote|quota|replication\.quota|controller\.quota|telemetry)\./ },
  { names: /^offsets\.load\./ },
  { names: /^(?:num\.(?:network|io|recovery|replica)|background\.threads)/ },
  { names: /^(?:socket\.(?:send|receive)\.buffer\.bytes|queued\.max\.requests)$/ },
  { names: /^(?:log\.preallocate|cordoned\.log\.dirs)/ },
  { names: /^(?:metric\.reporters|metrics\.|kafka\.metrics|auto\.leader|leader\.imbalance)/ },
]

/** Settings of Kafka's own server.properties which say how internal topics are made: they have effect, or nothing is lost without them. */
const quiet = /^(?:offsets\.topic\.|transaction\.state\.log\.|share\.coordinator\.state\.topic\.|metrics\.listener$)/

/** Threads and buffers of Kafka's server.properties that one event loop has no use for; nobody misses them. */
const ofShippedFile = new Set([
  'num.network.threads',
  'num.io.threads',
  'num.recovery.threads.per.data.dir',
  'socket.send.buffer.bytes',
  'socket.receive.buffer.bytes',
])

/** What is refused, and lines for the log. */
export interface Unsupported {
  readonly refused: readonly (readonly [setting: string, message: string])[]
  readonly warnings: readonly string[]
}

/** Looks at the settings that were given another value than their default. */
export function unsupportedSettings(given: ReadonlyMap<string, Given>): Unsupported {
  const refused: [string, string][] = []
  const inert: string[] = []
  for (const { name, text } of given.values()) {
    const gap = gaps.find(({ names }) => names.test(name))
    const definition = brokerDefinitions.get(name)
    if (gap === undefined || quiet.test(name)) continue
    if (definition && canonicalText(definition.type, text) === (definition.defaultText ?? '')) continue
    if (gap.refused !== undefined) refused.push([name, gap.refused])
    else if (!ofShippedFile.has(name)) inert.push(name)
  }
  const warnings = inert.length > 0 ? [`without effect, as it is not supported yet: ${inert.toSorted().join(', ')}`] : []
  const voters = given.get('controller.quorum.voters')?.text ?? ''
  if (voters.includes(',')) warnings.push(aClusterOfItsOwn)
  return { refused, warnings }
}

const aClusterOfItsOwn =
  'controller.quorum.voters names several nodes, but Ottla has no KRaft quorum: this broker is a cluster of its own, with its metadata in its own store'
