import { existsSync } from 'node:fs'

export const NODE_MAJOR_MIN = 24

/** The path of a Node that is new enough: this one, else the one that npm installed, else undefined. */
export function newEnoughNode(root) {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath
  const installed = `${root}node_modules/.bin/node`
  return existsSync(installed) ? installed : undefined
}
