/** What is wrong with a log. `index` and `count` say which entries, from 0. */
export type LogFinding =
  /** The entry at `index` is another than was signed. */
  | { readonly kind: 'changed'; readonly index: number }
  /** The entry that was signed at `index` is not there any more. */
  | { readonly kind: 'removed'; readonly index: number }
  /** The entry that was signed at `index` stands elsewhere. */
  | { readonly kind: 'moved'; readonly index: number; readonly to: number }
  /** Nobody signed the entry that stands at `index` of what is there now. */
  | { readonly kind: 'inserted'; readonly index: number }
  /** Entries that the checkpoint holds are not there; up to its end when the log was truncated. */
  | { readonly kind: 'missing'; readonly index: number; readonly count: number }
  /** Entries and their hashes were changed together: one or more of these. */
  | { readonly kind: 'rewritten'; readonly index: number; readonly count: number }
  /** So many entries differ from what was signed that they are not told apart. */
  | { readonly kind: 'differing'; readonly index: number; readonly count: number }
  /** A hash tile is not what the signed root needs; the entries below it may be whole. */
  | { readonly kind: 'tile'; readonly path: string }
  /** The log was larger once: a part of its end was cut off. */
  | { readonly kind: 'truncated'; readonly index: number; readonly count: number }
  /** The log does not continue what it signed before: one of its first `count` entries is another. */
  | { readonly kind: 'forked'; readonly count: number }
  /** The checkpoint is not signed as it must be. */
  | { readonly kind: 'signature'; readonly reason: string }
  /** Fewer witnesses have cosigned than are asked for. */
  | { readonly kind: 'witnesses'; readonly found: number; readonly needed: number }
  /** A key was followed whose announcement is not an entry of the log. */
  | { readonly kind: 'key'; readonly key: string }

/** A finding in one sentence. */
export function describeFinding(finding: LogFinding): string {
  switch (finding.kind) {
    case 'changed':
      return `entry ${finding.index} was changed`
    case 'removed':
      return `entry ${finding.index} was removed`
    case 'moved':
      return `entry ${finding.index} was reordered: it stands at ${finding.to}`
    case 'inserted':
      return `an entry was inserted at ${finding.index}`
    case 'missing':
      return `${range(finding)} of the checkpoint ${finding.count === 1 ? 'is' : 'are'} not there: the log was truncated or lost a part`
    case 'rewritten':
      return `one or more of ${range(finding)} were changed together with their hashes`
    case 'differing':
      return `${range(finding)} differ from what was signed, too many to be told apart`
    case 'tile':
      return `the hashes in ${finding.path} were changed`
    case 'truncated':
      return `the log was truncated: ${range(finding)} of the older checkpoint are gone`
    case 'forked':
      return `the log was forked: one or more of its first ${finding.count} entries are others than in the older checkpoint`
    case 'signature':
      return `the checkpoint is not the log's: ${finding.reason}`
    case 'witnesses':
      return `${finding.found} of ${finding.needed} witnesses have cosigned the checkpoint`
    default:
      return `the log's key ${finding.key} is not announced in the log`
  }
}

function range({ index, count }: { readonly index: number; readonly count: number }): string {
  return count === 1 ? `entry ${index}` : `entries ${index} to ${index + count - 1}`
}
