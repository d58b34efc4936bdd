// npm puts node_modules/.bin first on the PATH, so that this is the Node that npm ci brought.
import { NODE_MAJOR_MIN } from './node-version.js'

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(`Node.js ${NODE_MAJOR_MIN} or newer is needed; this is ${process.version}\n`)
  process.exit(2)
}
