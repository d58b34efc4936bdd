import { sessionsContract } from './sessions-contract.test-support.ts'
import { startSessionsSite } from './sessions-site.test-support.ts'

sessionsContract('PostgreSQL', () => startSessionsSite())
