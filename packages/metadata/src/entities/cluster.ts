/** Value of `cluster`. */
export interface ClusterValue {
  /** The cluster id that clients see: 22 characters. */
  readonly id: string
  /** Of keys and values, raised when an older version could not read them. */
  readonly format: number
  /** Finalized feature levels. */
  readonly features: Readonly<Record<string, number>>
}

/** Format of keys and values that this version writes. */
export const CLUSTER_FORMAT = 1

export const encodeCluster = ({ id, format, features }: ClusterValue): string => JSON.stringify({ id, format, features })

export const decodeCluster = (value: string): ClusterValue => JSON.parse(value)

/** Value of `controller`: who holds it. */
export interface ControllerValue {
  readonly broker: number
}

export const encodeController = ({ broker }: ControllerValue): string => JSON.stringify({ broker })

export const decodeController = (value: string): ControllerValue => JSON.parse(value)
