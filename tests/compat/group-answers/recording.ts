// Apache Kafka's answers, kept beside the scenarios: every distinct answer once, on a line of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve as absolute } from 'node:path'
import type { Answer } from './talk.ts'

const file = absolute('tests/compat/group-answers/fixtures/recorded.json')

interface Recorded {
  readonly answers: readonly unknown[]
  /** Of a scenario: requests, and the index of what came of each. */
  readonly scenarios: Readonly<Record<string, readonly (readonly [string, number])[]>>
}

/** Keeps the answers of all scenarios. */
export function write(said: Readonly<Record<string, readonly Answer[]>>): void {
  const places = new Map<string, number>()
  const placeOf = (answer: unknown): number => {
    const text = JSON.stringify(answer)
    const place = places.get(text) ?? places.size
    places.set(text, place)
    return place
  }
  const scenarios = Object.entries(said).map(([name, answers]) => {
    const lines = answers.map(({ request, answer }) => JSON.stringify([request, placeOf(answer)]))
    return `${JSON.stringify(name)}:[\n${lines.join(',\n')}\n]`
  })
  writeFileSync(file, `{"answers":[\n${[...places.keys()].join(',\n')}\n],\n"scenarios":{\n${scenarios.join(',\n')}\n}}\n`)
}

/** What Kafka answered in a scenario. */
export function read(name: string): Answer[] {
  const { answers, scenarios }: Recorded = JSON.parse(readFileSync(file, 'utf8'))
  return (scenarios[name] ?? []).map(([request, place]) => ({ request, answer: answers[place] }))
}
