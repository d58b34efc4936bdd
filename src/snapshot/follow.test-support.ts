import { readFileSync } from 'node:fs'
import type { FollowerOptions } from './snapshot-follower.ts'
import { SnapshotFollower } from './snapshot-follower.ts'

/** A process that follows until it is killed, and says so when it has begun. */
const options = JSON.parse(readFileSync(0, 'utf8')) as FollowerOptions
const follower = await SnapshotFollower.open(options)
follower.onChange((_, now) => process.stdout.write(`${now.version}\n`))
process.stdout.write('following\n')
