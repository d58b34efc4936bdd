import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf } from '../../core/errors.ts'
import { type ControlAccess, controlAccess } from '../control-access.ts'
import type { Console } from '../console.ts'
import { type ControlFlags, controlCommand, examples } from '../control-command.ts'
import type { Check, Diagnosis, Patient } from '../doctor/check.ts'
import { checkControl } from '../doctor/control-checks.ts'
import { checkDisk, checkNode } from '../doctor/machine-checks.ts'
import { checkOperators } from '../doctor/operator-checks.ts'
import { checkCells, checkPlanes } from '../doctor/plane-checks.ts'
import { checkLeftovers, checkSecrets, checkStateDirectory } from '../doctor/state-checks.ts'
import type { Ending } from '../ending.ts'
import { parseFormat, writeList } from '../output.ts'

const CHECKS: readonly Check[] = [
  checkNode,
  checkDisk,
  checkStateDirectory,
  checkSecrets,
  checkLeftovers,
  checkControl,
  checkOperators,
  checkPlanes,
  checkCells,
]

/** `ringfence doctor`: what is wrong with an installation, and how to mend it. Changes nothing. */
export function addDoctor(program: Command, console: Console, ending: Ending): void {
  const command = program
    .command('doctor')
    .description('Find what is wrong with an installation, and say how to mend it.')
  examples(
    controlCommand(command),
    'ringfence doctor',
    'ringfence doctor --state /var/lib/ringfence -o json',
    'RINGFENCE_TOKEN=… ringfence doctor --server https://control.example',
  )
    .addHelpText('after', '\nIt changes nothing. The exit code is 1 when something is wrong.')
    .action(async (flags: ControlFlags) => {
      const format = parseFormat(flags.output)
      const patient = patientOf(flags, console)
      const diagnoses: Diagnosis[] = []
      for (const check of CHECKS) diagnoses.push(...(await check(patient)))
      if (diagnoses.some(({ standing }) => standing === 'wrong')) ending.exitCode = 1
      writeList(diagnoses, columns, format, console.out)
      if (format !== 'table') return
      for (const { check, found, mend } of diagnoses) {
        if (mend !== undefined) console.out(`\n${check}: ${found}\n  → ${mend}\n`)
      }
    })
}

const columns = ({ check, standing, found }: Diagnosis) => ({ check, standing, found })

function patientOf(flags: ControlFlags, console: Console): Patient {
  let access: ControlAccess | undefined
  let noAccess: string | undefined
  try {
    access = controlAccess(flags, console)
  } catch (error) {
    noAccess = messageOf(error)
  }
  return { state: flags.state, hasState: existsSync(flags.state), access, noAccess }
}
