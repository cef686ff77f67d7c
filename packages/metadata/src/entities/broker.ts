/** An address that clients are told, of one listener. */
export interface Endpoint {
  /** Name of the listener, in upper case. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. */
  readonly securityProtocol: string
}

/** Value of `brokers/<id>/reg`; the broker epoch is the key's mod revision. */
export interface RegistrationValue {
  /** New with every start of the process. */
  readonly incarnation: string
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  /** Ids of the log directories. */
  readonly logDirs: readonly string[]
  /** The broker epoch that the clean-shutdown file names, -1 without one (R12). */
  readonly cleanShutdownEpoch: number
  /** The epoch that this registration replaced, -1 for the first. */
  readonly previousEpoch: number
}

export const encodeRegistration = (value: RegistrationValue): string => {
  const { incarnation, endpoints, rack, logDirs, cleanShutdownEpoch, previousEpoch } = value
  return JSON.stringify({ incarnation, endpoints, rack, logDirs, cleanShutdownEpoch, previousEpoch })
}

export const decodeRegistration = (value: string): RegistrationValue => JSON.parse(value)

/** Value of `brokers/<id>/live`: the epoch of the registration that is alive. The same text for as long as it lives, because R1 compares it. */
export const encodeLive = (brokerEpoch: number): string => String(brokerEpoch)

export const decodeLive = (value: string): number => Number(value)

/** Value of `brokers/<id>/state`: what the controller made of the registration with this epoch. */
export interface StateValue {
  readonly epoch: number
  readonly state: 'fenced' | 'active' | 'shutting-down'
}

export const encodeState = ({ epoch, state }: StateValue): string => JSON.stringify({ epoch, state })

export const decodeState = (value: string): StateValue => JSON.parse(value)
