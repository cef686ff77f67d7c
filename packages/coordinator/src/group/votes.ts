// Votes of members: for the protocol of a classic group, for the assignor of a consumer group.

/** What has the most votes; of two with the same number, what was named first. Null if there is nothing. */
export const mostVoted = (votes: ReadonlyMap<string, number>): string | null => {
  let elected: string | null = null
  let most = 0
  for (const [name, count] of votes) {
    if (count <= most) continue
    elected = name
    most = count
  }
  return elected
}
