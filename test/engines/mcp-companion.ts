import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import type { Companion } from './companions.ts'

const run = promisify(execFile)
const VERSION = '2.12.0'

/** The official inspector of MCP servers, in a directory of its own and kept for the next run. */
export async function mcpClients(): Promise<Companion> {
  const name = `MCP inspector ${VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `mcp-inspector-${VERSION}`)
  const program = join(directory, 'node_modules', '.bin', 'mcp-inspector')
  try {
    if (!existsSync(program)) {
      mkdirSync(directory, { recursive: true })
      const to = ['--prefix', directory, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
      await run('npm', ['install', ...to, `@modelcontextprotocol/inspector@${VERSION}`])
    }
  } catch (error) {
    return { name, missing: messageOf(error).slice(0, 200) }
  }
  return {
    name,
    file: 'test/engines/mcp.engine.ts',
    environment: { RINGFENCE_TEST_MCP_INSPECTOR: program },
  }
}
