/** Value of `topics/<name>`. Partitions from `partitions` on do not exist yet, even where their key does. */
export interface TopicValue {
  readonly id: string
  readonly partitions: number
}

export const encodeTopic = ({ id, partitions }: TopicValue): string => JSON.stringify({ id, partitions })

export const decodeTopic = (value: string): TopicValue => JSON.parse(value)
