// What the suites of consumer groups share: the broker's settings, whose turn it is, how a group is run, and what holds in its end.
import { expect } from 'vitest'
import type { GroupClient } from './group-clients.ts'
import type { Member } from './group-member.ts'
import { GroupRun } from './group-run.ts'
import { available, groupPrograms } from './programs.ts'

/** Session time-outs as short as a busy machine allows. */
export const settings = {
  'group.initial.rebalance.delay.ms': '500',
  'group.min.session.timeout.ms': '1000',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.heartbeat.interval.ms': '300',
  'group.consumer.heartbeat.interval.ms': '500',
}
const partitions = 6
/** Groups at the same time: each is up to four processes. */
const atOnce = Number(process.env.GROUPS_AT_ONCE ?? 3)
/** Ends names, so that a broker may be used more than once. */
export const unique = Date.now().toString(36)

/** The client's program, or nothing where it is not installed. */
export const there = ({ name, program: key }: Pick<GroupClient, 'name' | 'program'>) => {
  const program = groupPrograms[key]?.() ?? { missing: key }
  return available(name, program.missing) && program.missing === undefined ? program : undefined
}

const waiting: (() => void)[] = []
let running = 0
/** Does something when it is its turn. */
export async function inTurn(body: () => Promise<void>): Promise<void> {
  if (running >= atOnce) await new Promise<void>(resolve => waiting.push(resolve))
  else running += 1
  try {
    await body()
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}

/** A group of a client on the broker at `port`, and the topic it reads. */
export function startRun(client: GroupClient, kind: string, port: number): Promise<GroupRun> {
  const program = there(client)
  if (program === undefined) throw new Error(`${client.name} is not there`)
  const name = `${kind}-${client.name.replaceAll(/[^a-z]+/gi, '-')}-${unique}`
  return GroupRun.start({ port, program, name, partitions, options: client.options })
}

/** What holds in the end of every run: all was delivered and committed, and nothing came again without a reason. */
export async function expectAllDone(run: GroupRun, members: Member[], mayComeAgain: (phase: string) => boolean): Promise<void> {
  await run.drain()
  const missing = run.missing()
  expect(missing.slice(0, 10), `${missing.length} records were never delivered`).toEqual([])
  await Promise.all(members.map(member => member.stop()))
  expect(run.wrong.slice(0, 10)).toEqual([])
  expect(run.redelivered.filter(again => !mayComeAgain(again.phase)).slice(0, 10)).toEqual([])
  expect(await run.committed()).toEqual(await run.ends())
}
