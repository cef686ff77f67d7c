// Which member of which generation a classic member is.

/** Generation -1: none. The member id may outlive its generation, so that the coordinator need not wait for the old one's session to end. */
export interface Generation {
  readonly generationId: number
  readonly memberId: string
  /** Name of the assigner that the group agreed on. */
  readonly protocolName: string
}

/** Of who is in no group. */
export const noGeneration: Generation = { generationId: -1, memberId: '', protocolName: '' }

/** Whether a member of this generation can own partitions. */
export const isMember = (generation: Generation): boolean => generation.generationId !== -1 && generation.memberId !== ''
