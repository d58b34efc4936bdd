import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { buildProgram, runCommandLine } from './program.ts'

const silent = {
  out: () => {},
  err: () => {},
  isTty: false,
  width: 100,
  environment: {},
}

async function run(...args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = ''
  const code = await runCommandLine(args, {
    ...silent,
    out: (text) => {
      out += text
    },
  })
  return { code, out }
}

/** What bash offers at the end of a line. */
async function offered(...line: readonly string[]): Promise<readonly string[]> {
  const { out } = await run('completion', 'bash')
  const words = ['ringfence', ...line].map((word) => `'${word}'`).join(' ')
  const script = `${out}
COMP_WORDS=(${words}); COMP_CWORD=${line.length}; _ringfence; printf '%s\\n' "\${COMPREPLY[@]}"`
  const text = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  return text.split('\n').filter((word) => word !== '')
}

/** Every command, with the words that lead to it. */
function commands(command: Command, path: readonly string[] = []): (readonly string[])[] {
  return command.commands.flatMap((one) => {
    const here = [...path, one.name()]
    return [here, ...commands(one, here)]
  })
}

const all = commands(buildProgram(silent, { exitCode: 0 }))

describe('completion', () => {
  test('bash offers commands, then their own, then their flags, past arguments', async () => {
    assert.ok((await offered('')).includes('tenants'))
    assert.deepEqual(await offered('ten'), ['tenants'])
    assert.deepEqual(await offered('tenants', 'cre'), ['create'])
    assert.deepEqual(await offered('tenants', 'delete', 'acme', '--pu'), ['--purge'])
    assert.ok(!(await offered('tenants', 'get', 'acme', '--')).includes('--purge'))
  })

  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`${shell}: the script knows every command`, async () => {
      const { code, out } = await run('completion', shell)
      assert.equal(code, 0)
      for (const path of all) assert.ok(out.includes(`"${path.join(' ')}"`), path.join(' '))
    })
  }

  test('another shell is misuse', async () => {
    assert.equal((await run('completion', 'csh')).code, 2)
  })
})

describe('help', () => {
  for (const path of all) {
    test(`ringfence ${path.join(' ')} --help has an example and exits with 0`, async () => {
      const { code, out } = await run(...path, '--help')
      assert.equal(code, 0)
      if (path.join(' ') !== 'evidence') assert.match(out, /Examples?:\n {2}\S/)
    })
  }
})
