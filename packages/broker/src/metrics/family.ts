// Metrics as plain data: what is counted anyway is read when somebody asks.

/** One value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric of one name. */
export interface Family {
  readonly name: string
  readonly help: string
  /** A counter only grows while the broker runs. */
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  /** Read at every scrape. */
  samples(): Iterable<Sample>
  /** Done before at every scrape where numbers take time to find, and once for all families that have the same. */
  readonly refresh?: () => Promise<void>
}

/** A metric without labels. */
export const single = (family: Omit<Family, 'labels' | 'samples' | 'refresh'>, value: () => number): Family => ({
  ...family,
  labels: [],
  samples: () => [{ labels: {}, value: value() }],
})

/** Several metrics over the same things: for each thing its labels, for each metric a value of the thing. */
export function families<T>(
  things: () => Iterable<T>,
  labels: { readonly names: readonly string[]; of(thing: T): Readonly<Record<string, string>> },
  metrics: readonly (Omit<Family, 'labels' | 'samples' | 'refresh'> & { readonly value: (thing: T) => number })[],
): Family[] {
  return metrics.map(({ value, ...family }) => ({
    ...family,
    labels: labels.names,
    *samples() {
      for (const thing of things()) yield { labels: labels.of(thing), value: value(thing) }
    },
  }))
}
