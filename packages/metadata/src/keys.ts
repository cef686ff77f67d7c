// Names of all keys (cluster rules, section 1), relative to the cluster's prefix. Topic names and ids are printable ASCII
// without '/'; other names are percent-encoded.

/** What settings can be stored of. */
export type ConfigType = 'topic' | 'broker' | 'group' | 'client-metrics'

const CONFIG_TYPES: readonly ConfigType[] = ['topic', 'broker', 'group', 'client-metrics']

/** Stands for the empty name, which means 'all brokers'; no encoded name looks like it. */
const DEFAULT_NAME = '<default>'

export const keys = {
  /** Cluster id, format and feature levels: written once. */
  cluster: 'cluster',
  /** The controller of the moment (leased). Its create revision is the controller epoch. */
  controller: 'controller',
  /** A broker's registration. Its mod revision is the broker epoch. */
  registration: (broker: number): string => `brokers/${broker}/reg`,
  /** Present while a broker is heard of (leased). */
  live: (broker: number): string => `brokers/${broker}/live`,
  /** Whether the controller lets a broker lead. */
  state: (broker: number): string => `brokers/${broker}/state`,
  topic: (name: string): string => `topics/${name}`,
  topicId: (id: string): string => `topicids/${id}`,
  /** All partitions of a topic. */
  partitions: (topicId: string): string => `parts/${topicId}/`,
  partition: (topicId: string, partition: number): string => `parts/${topicId}/${partition}`,
  /** Overrides of one topic, broker (the empty name: all brokers), group or client metrics subscription. */
  config: (type: ConfigType, name: string): string => `config/${type}/${name === '' ? DEFAULT_NAME : encodeURIComponent(name)}`,
  /** First producer id that was never handed out. */
  nextProducerId: 'pid/next',
} as const

/** What a key is about. */
export type KeyMeaning =
  | { readonly kind: 'cluster' | 'controller' }
  | { readonly kind: 'registration' | 'live' | 'state'; readonly broker: number }
  | { readonly kind: 'topic'; readonly name: string }
  | { readonly kind: 'partition'; readonly topicId: string; readonly partition: number }
  | { readonly kind: 'config'; readonly type: ConfigType; readonly name: string }
  /** Nothing that the image shows. */
  | { readonly kind: 'other' }

const OTHER: KeyMeaning = { kind: 'other' }

/** The meaning of a key; `other` for keys that only matter in checks and for those of newer versions. */
export function parseKey(key: string): KeyMeaning {
  const [room, first = '', second] = key.split('/')
  switch (room) {
    case 'parts':
      return { kind: 'partition', topicId: first, partition: Number(second) }
    case 'topics':
      return { kind: 'topic', name: first }
    case 'config': {
      const type = CONFIG_TYPES.find(known => known === first)
      if (type === undefined || second === undefined) return OTHER
      return { kind: 'config', type, name: second === DEFAULT_NAME ? '' : decodeURIComponent(second) }
    }
    case 'brokers': {
      const broker = Number(first)
      if (second === 'reg') return { kind: 'registration', broker }
      return second === 'live' || second === 'state' ? { kind: second, broker } : OTHER
    }
    case 'cluster':
    case 'controller':
      return { kind: room }
    default:
      return OTHER
  }
}
