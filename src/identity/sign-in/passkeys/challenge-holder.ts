import type { Subject } from '../../../core/names.ts'
import type { Attempt } from '../sign-in.ts'

/** Who may answer a challenge, by a name that no other has within the realm. */
export const attemptHolder = ({ id }: Pick<Attempt, 'id'>) => `attempt ${id}`
export const userHolder = (subject: Subject) => `user ${subject}`
