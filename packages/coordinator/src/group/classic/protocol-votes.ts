// Which protocols all members of a group know, and which of those most of them like best. Counted as members come and go, so that asking
// whether a newcomer fits does not look at all of them.

import { mostVoted } from '../votes.ts'
import type { ClassicMember, MemberProtocol } from './classic-member.ts'

/** See the top of the file. */
export class ProtocolVotes {
  /** Number of members that know a protocol. */
  readonly #known = new Map<string, number>()

  add(protocols: readonly MemberProtocol[]): void {
    for (const { name } of protocols) this.#known.set(name, (this.#known.get(name) ?? 0) + 1)
  }

  remove(protocols: readonly MemberProtocol[]): void {
    for (const { name } of protocols) {
      const count = (this.#known.get(name) ?? 0) - 1
      if (count > 0) this.#known.set(name, count)
      else this.#known.delete(name)
    }
  }

  /** Whether all members know one of these. */
  areShared(protocols: readonly MemberProtocol[], memberCount: number): boolean {
    return protocols.some(({ name }) => (this.#known.get(name) ?? 0) === memberCount)
  }

  /** What most members like best of what all know; of two with the same votes, the one that was named first. Empty if there is none. */
  elect(members: Iterable<ClassicMember>, memberCount: number): string {
    const votes = new Map<string, number>()
    for (const member of members) {
      const choice = member.terms.protocols.find(({ name }) => this.#known.get(name) === memberCount)
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    return mostVoted(votes) ?? ''
  }
}
