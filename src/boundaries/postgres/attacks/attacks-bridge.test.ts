import { tryAttacks } from './try-attacks.test-support.ts'

tryAttacks('bridge')
