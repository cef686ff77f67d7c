import type { MessageInitOf, MessageOf } from '../schema.ts'
import { bool, message, string } from '../schema.ts'

/** Principal in forwarded requests. */
export const defaultPrincipalData = message({
  name: 'DefaultPrincipalData',
  versions: '0',
  flexible: '0+',
  fields: {
    type: string,
    name: string,
    tokenAuthenticated: bool,
  },
})

export interface DefaultPrincipalData extends MessageOf<typeof defaultPrincipalData> {}
export interface DefaultPrincipalDataInit extends MessageInitOf<typeof defaultPrincipalData> {}
