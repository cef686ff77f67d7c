// The first screen: what runs where, and what to type next. At most eight lines.

/** What the banner tells. */
export interface BannerFacts {
  readonly version: string
  readonly nodeId: number
  readonly clusterId: string
  readonly listeners: readonly {
    readonly name: string
    readonly host: string
    readonly port: number
    readonly advertisedHost: string
    readonly advertisedPort: number
  }[]
  readonly directories: readonly string[]
  /** Address of the metrics, null where there are none. */
  readonly metrics: string | null
}

/** More listeners than this are counted only. */
const LISTENERS_SHOWN = 2

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
const isEverywhere = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'
const isThisMachine = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** The lines; `strong` marks what is to be seen first. */
export function bannerLines(facts: BannerFacts, strong: (text: string) => string = text => text): string[] {
  const [first] = facts.listeners
  const address = first ? `${bracketed(first.advertisedHost)}:${first.advertisedPort}` : ''
  const shown = facts.listeners.slice(0, LISTENERS_SHOWN).map(listenerLine)
  const more = facts.listeners.length - shown.length
  if (more > 0) shown[shown.length - 1] += ` (and ${more} more)`
  return [
    strong(`Ottla ${facts.version} is ready: node ${facts.nodeId} of cluster ${facts.clusterId}`),
    ...shown,
    `  data      ${facts.directories.join(', ')}`,
    ...(facts.metrics === null ? [] : [`  metrics   ${facts.metrics}`]),
    `  produce   echo hello | kcat -b ${address} -t greetings -P`,
    `  consume   kcat -b ${address} -t greetings -C -o beginning -e`,
  ]
}

function listenerLine({ name, host, port, advertisedHost, advertisedPort }: BannerFacts['listeners'][number]): string {
  const told = `${bracketed(advertisedHost)}:${advertisedPort}`
  const line = `  ${name.toLowerCase().padEnd(9)} ${told}`
  if (host === advertisedHost && port === advertisedPort) return line
  const bound = isEverywhere(host) ? `all addresses of this machine, port ${port}` : `${bracketed(host)}:${port}`
  const reach = isThisMachine(advertisedHost)
    ? 'clients elsewhere cannot use that address'
    : `${advertisedHost} must lead here from where clients run`
  return `${line} is what clients are told; it listens on ${bound} (${reach})`
}
