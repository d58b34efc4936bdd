/** Where a platform keeps its files unless told otherwise. */
export const STATE_DIRECTORY_DEFAULT = '.ringfence'

/** How a command ends: it sets the code with which the process will exit. */
export interface Ending {
  exitCode: number
}
