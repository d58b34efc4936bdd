import { type ErrorCode, RingfenceError } from '../core/errors.ts'

/** Free space that a new data directory and its first write-ahead log need. */
export const NEW_CLUSTER_MEBIBYTES = 96

/** What the server and the system say, and the code and sentence it becomes. First match wins. */
const CAUSES: readonly (readonly [
  RegExp,
  ErrorCode,
  (name: string, place: string, port: number) => string,
])[] = [
  [
    /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT/,
    'disk_full',
    (name, place) =>
      `the disk of cluster ${name} is full: free at least ${NEW_CLUSTER_MEBIBYTES} MiB on the disk of ${place}`,
  ],
  [
    /could not bind|could not create any TCP\/IP sockets|Address already in use/,
    'port_taken',
    (name, _place, port) =>
      `port ${port} is taken: give cluster ${name} another port, or stop what listens on 127.0.0.1:${port}`,
  ],
  [
    /lock file .* already exists|pre-existing shared memory block/,
    'cluster_locked',
    (name, place) =>
      `another PostgreSQL server is running on cluster ${name}: stop the one that uses ${place}`,
  ],
  [
    /could not look up effective user ID/,
    'engine_unsupported',
    (name) =>
      `cluster ${name} cannot be made: the user who runs this has no entry in /etc/passwd, which PostgreSQL's initdb needs`,
  ],
  [
    /Read-only file system|unable to open database file|readonly database|EROFS|EACCES|EPERM|Permission denied|Operation not permitted/,
    'not_writable',
    (name, place) =>
      `cluster ${name} cannot write to ${place}: make the directory writable for the user who runs this, or choose another`,
  ],
  [
    /ENOTDIR|EEXIST|ELOOP|ENAMETOOLONG/,
    'not_writable',
    (name, place) => `cluster ${name} cannot use ${place}: it is not a directory that can be made`,
  ],
  [
    /invalid value for parameter|unrecognized configuration parameter|configuration file .* contains errors/,
    'invalid_argument',
    (name) => `cluster ${name} was given a setting that this PostgreSQL refuses`,
  ],
  [
    /error while loading shared libraries|cannot execute binary file|Exec format error|ENOEXEC|not found \(required by/,
    'engine_unsupported',
    (name) => `cluster ${name} cannot start: these PostgreSQL binaries do not run on this system`,
  ],
  [
    /could not locate a valid checkpoint|could not open file "global\/|incompatible|invalid data in file|PANIC|could not read/,
    'cluster_damaged',
    (name, place) =>
      `the data of cluster ${name} is damaged: restore ${place} from a backup, or move it away to begin anew`,
  ],
]

/**
 * The one error for a failed step of a cluster's start. `evidence` is what the server or the system
 * said; it becomes the private detail.
 */
export function clusterFailure(
  name: string,
  place: string,
  port: number,
  evidence: unknown,
): RingfenceError {
  if (evidence instanceof RingfenceError) return evidence
  const text = evidenceText(evidence)
  const options = { detail: text.slice(-4000), cause: evidence }
  for (const [pattern, code, say] of CAUSES) {
    if (pattern.test(text)) return new RingfenceError(code, say(name, place, port), options)
  }
  return new RingfenceError(
    'engine_unavailable',
    `the server of cluster ${name} did not start: its last words are in server.log in the cluster's directory`,
    options,
  )
}

function evidenceText(evidence: unknown): string {
  if (!(evidence instanceof Error)) return String(evidence)
  const code = 'code' in evidence ? String(evidence.code) : ''
  return `${code} ${evidence.message}`
}
