// What is wrong when a broker cannot be reached, in words that say what to do. One function; all that is known comes in, nothing is asked.

/** Where a connection was when it failed. */
export type Phase = 'connecting' | 'agreeing' | 'authenticating' | 'ready'

/** What is known of a connection that failed. */
export interface Symptoms {
  readonly host: string
  readonly port: number
  /** The node whose advertised address this is; null for a bootstrap address. */
  readonly nodeId: number | null
  readonly tls: boolean
  /** Whether TCP was connected. */
  readonly reached: boolean
  readonly sasl: boolean
  readonly phase: Phase
  /** 'timeout': nothing came in time; 'closed': the other side closed; 'garbage': what came is no Kafka; 'error': `code` and `message` of the socket. */
  readonly kind: 'timeout' | 'closed' | 'garbage' | 'error'
  readonly code?: string | undefined
  readonly message?: string | undefined
  /** How long was waited. */
  readonly waitedMs?: number
  /** The first bytes that came, where they are no Kafka. */
  readonly start?: Buffer
  /** Name of the oldest request without an answer, where requests were in flight. */
  readonly asked?: string | undefined
  /** Whether any request after authentication has been answered. */
  readonly answered: boolean
}

/** What happened, and what to do about it. */
export function diagnose(symptoms: Symptoms): { readonly text: string; readonly hint: string } {
  const { nodeId, host, port, phase, kind } = symptoms
  const advice = adviceOf(symptoms)
  const isElsewhere = nodeId !== null && phase !== 'ready' && (kind === 'error' || kind === 'timeout' || kind === 'garbage')
  const hint = isElsewhere
    ? `${advice} The cluster advertises ${host}:${port} for node ${nodeId}: if clients here cannot use that address, change advertised.listeners of that broker.`
    : advice
  return { text: `${headline(symptoms)}. ${hint}`, hint }
}

function headline({ kind, host, port, message, waitedMs, phase, asked, start }: Symptoms): string {
  if (kind === 'error') return `Connection error: ${message ?? 'unknown'}`
  if (kind === 'closed') return `Closed connection: ${host}:${port} closed it ${asked === undefined ? whileDoing[phase] : `after ${asked}`}`
  if (kind === 'garbage') return `Connection error: what ${host}:${port} sent is not the Kafka protocol${quoted(start)}`
  return `Connection timeout: nothing came from ${host}:${port} within ${waitedMs ?? 0} ms ${whileDoing[phase]}`
}

/** The beginning of what came, where it is text. */
function quoted(start: Buffer | undefined): string {
  const text = /^[\x20-\x7e]{4,40}/.exec(start?.toString('latin1') ?? '')?.[0]
  return text === undefined ? '' : `, it begins with ${JSON.stringify(text)}`
}

const whileDoing: Readonly<Record<Phase, string>> = {
  connecting: 'while connecting',
  agreeing: 'before it had said which versions it serves',
  authenticating: 'during authentication',
  ready: 'while requests were in flight',
}

function adviceOf(symptoms: Symptoms): string {
  const { kind, code, tls, reached, phase, start, host, port, sasl, asked, answered } = symptoms
  if (kind === 'garbage') return foreignAdvice(start, tls)
  if (kind === 'error' && code !== undefined) {
    const known = byCode[code]
    if (known !== undefined) return known(host, port)
    if (tls) return tlsAdvice(code)
  }
  if (tls && phase === 'connecting' && (kind !== 'timeout' || reached)) return plaintextAdvice
  if (kind === 'timeout' && phase === 'connecting')
    return `Look whether the broker runs, whether host and port are right, and whether a firewall lets them through; \`connectionTimeout\` is the option to wait longer.`
  if (phase === 'agreeing' && !tls)
    return `The listener may be a TLS one (then set \`ssl: true\`), not Kafka at all, or the broker hangs; Kafka before 0.10 is not supported.`
  if (phase === 'agreeing') return 'The listener may not be Kafka at all, or the broker hangs; Kafka before 0.10 is not supported.'
  if (phase === 'authenticating') return 'Look at mechanism and credentials in `sasl`, and at the log of the broker.'
  const isCut = kind === 'closed' || code === 'ECONNRESET' || code === 'EPIPE'
  if (!sasl && isCut && asked !== undefined && !answered)
    return 'The listener may require SASL (then set `sasl`), or the broker was stopped.'
  return 'The broker was stopped or the network interrupted; the client connects again by itself.'
}

const plaintextAdvice =
  'The listener may not speak TLS: leave `ssl` out, or use the port of a TLS listener (listener.security.protocol.map of the broker).'

const byCode: Readonly<Record<string, (host: string, port: number) => string>> = {
  ECONNREFUSED: (_host, port) =>
    `Nothing listens there: look whether the broker runs, and whether ${port} is the port of one of its listeners.`,
  ENOTFOUND: host => `The name ${host} does not resolve here: correct it, or make it known to DNS or /etc/hosts.`,
  EAI_AGAIN: host => `The name ${host} could not be resolved, DNS does not answer: look at the network of this machine.`,
  EHOSTUNREACH: host => `There is no way to ${host} from here: look at network, VPN and firewall.`,
  ENETUNREACH: host => `There is no way to ${host} from here: look at network, VPN and firewall.`,
  ETIMEDOUT: host => `${host} does not answer: look at network and firewall, and whether the machine is up.`,
}

function tlsAdvice(code: string): string {
  if (/^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ECONNRESET)$/.test(code)) return plaintextAdvice
  if (/SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED/.test(code))
    return "The broker's certificate is not signed by an authority that is known here: give that one as `ssl: { ca }`."
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return "The broker's certificate is for another name: connect by that name, or set `ssl: { servername }`."
  if (/EXPIRED|NOT_YET_VALID/.test(code))
    return "The broker's certificate is not valid today: renew it, or look at the clock of this machine."
  if (/ALERT|HANDSHAKE/.test(code))
    return 'The broker refused the TLS handshake: it may want a certificate of the client (`ssl: { cert, key }`) or another TLS version.'
  return plaintextAdvice
}

function foreignAdvice(start: Buffer | undefined, tls: boolean): string {
  if (start?.subarray(0, 4).toString('latin1') === 'HTTP') return 'An HTTP server listens there: use the port of a Kafka listener.'
  if (start !== undefined && start[0] === 0x15 && start[1] === 3 && !tls) return 'A TLS listener answered: set `ssl: true`.'
  return 'Use the port of a Kafka listener.'
}
