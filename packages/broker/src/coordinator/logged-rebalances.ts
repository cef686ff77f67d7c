// Rebalances as lines of the log: which group, why, for how long.
import type { GroupObserver } from '@ottla/coordinator'
import type { Logger } from '@ottla/protocol'

/** Writes a line for each rebalance that is over; who has which partition is left to whoever wants to show it. */
export const loggedRebalances = (logger: Logger): GroupObserver => ({
  rebalanced: ({ assignment, ...rebalance }) => {
    logger.info({ ...rebalance, members: assignment?.size ?? null }, 'a group has rebalanced')
  },
})
