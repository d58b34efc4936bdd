import { Command, CommanderError } from 'commander'
import { isMisuse, messageOf, RingfenceError } from '../core/errors.ts'
import { addApiKeys } from './commands/api-keys.ts'
import { addApply } from './commands/apply.ts'
import { addApprovals } from './commands/approvals.ts'
import { addBehaviour } from './commands/behaviour.ts'
import { addAlerts } from './commands/alerts.ts'
import { addBilling } from './commands/billing.ts'
import { addAudit } from './commands/audit.ts'
import { addCatalogue } from './commands/catalogue.ts'
import { addClients } from './commands/clients.ts'
import { addCompletion } from './commands/completion.ts'
import { addConnections } from './commands/connections.ts'
import { addDiff } from './commands/diff.ts'
import { addDoctor } from './commands/doctor.ts'
import { addDomains } from './commands/domains.ts'
import { addEvidence } from './commands/evidence.ts'
import { addExec } from './commands/exec.ts'
import { addGet } from './commands/get.ts'
import { addGrants } from './commands/grants.ts'
import { addGroups } from './commands/groups.ts'
import { addInspect } from './commands/inspect.ts'
import { addLease } from './commands/lease.ts'
import { addLeases } from './commands/leases.ts'
import { addLogin } from './commands/login.ts'
import { addEnvoyConfig } from './commands/envoy-config.ts'
import { addNginxConfig } from './commands/nginx-config.ts'
import { addOperators } from './commands/operators.ts'
import { addPolicy } from './commands/policy.ts'
import { addProve } from './commands/prove.ts'
import { addRealms } from './commands/realms.ts'
import { addRevoke } from './commands/revoke.ts'
import { addRoles } from './commands/roles.ts'
import { addScimTokens } from './commands/scim-tokens.ts'
import { addServe } from './commands/serve.ts'
import { addSessions } from './commands/sessions.ts'
import { addSupport } from './commands/support.ts'
import { addTenants } from './commands/tenants.ts'
import { addToken } from './commands/token.ts'
import { addUp } from './commands/up.ts'
import { addUsers } from './commands/users.ts'
import { addWorkflows } from './commands/workflows.ts'
import type { Console } from './console.ts'
import type { Ending } from './ending.ts'
import { TOOL_VERSION } from './tool-version.ts'

/**
 * Runs one command line and returns the exit code: 0 done, 1 the answer is no (a leak, findings),
 * 2 misuse or trouble, with one line on standard error.
 */
export async function runCommandLine(args: readonly string[], console: Console): Promise<number> {
  const ending: Ending = { exitCode: 0 }
  try {
    await buildProgram(console, ending).parseAsync([...args], { from: 'user' })
    return ending.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    console.err(`ringfence: ${describe(error)}\n`)
    return 2
  }
}

/** The program and all of its commands. */
export function buildProgram(console: Console, ending: Ending): Command {
  const program = new Command('ringfence')
    .enablePositionalOptions()
    .description('Tenant isolation that the data engines enforce, and the proof of it.')
    .version(TOOL_VERSION)
    .configureOutput({ writeOut: console.out, writeErr: (text) => console.err(oneLine(text)) })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  ringfence prove -f ringfence.yaml                 attack throw-away copies of a schema
  ringfence prove -f ringfence.yaml --database URL  on your own server, in throw-away databases
  ringfence up -f platform.yaml                     start a platform and keep it running
  ringfence tenants create acme --region eu-west    onboard a tenant
  ringfence doctor                                  find what is wrong with an installation
  ringfence evidence verify evidence.dsse.json --key evidence.pub`,
    )
  for (const add of [
    addUp,
    addServe,
    addNginxConfig,
    addEnvoyConfig,
    addPolicy,
    addProve,
    addInspect,
    addEvidence,
    addAudit,
    addApply,
    addDiff,
    addGet,
    addTenants,
    addWorkflows,
    addApprovals,
    addLeases,
    addCatalogue,
    addOperators,
    addRealms,
    addUsers,
    addGroups,
    addRoles,
    addClients,
    addConnections,
    addDomains,
    addScimTokens,
    addSessions,
    addApiKeys,
    addRevoke,
    addLogin,
    addSupport,
    addGrants,
    addBilling,
    addAlerts,
    addBehaviour,
    addLease,
    addToken,
    addExec,
    addDoctor,
    addCompletion,
  ]) {
    add(program, console, ending)
  }
  return program
}

function describe(error: unknown): string {
  if (isMisuse(error)) return error.message
  if (error instanceof RingfenceError) return `internal error: ${error.message}`
  return `internal error: ${messageOf(error)}`
}

/** Commander ends its messages with advice on lines of their own; misuse is one line here. */
function oneLine(text: string): string {
  return text.startsWith('error: ')
    ? `ringfence: ${text
        .slice(7)
        .trim()
        .replace(/\s*\n\s*/g, ' ')}\n`
    : text
}
