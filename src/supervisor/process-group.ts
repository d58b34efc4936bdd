const groups = new Set<number>()

/** Signals every process of a child's group. Nothing happens when there is none left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Kills the group with this process, whichever way it exits. Returns how to forget about it. */
export function guardGroup(leader: number): () => void {
  if (groups.size === 0) process.on('exit', killAll)
  groups.add(leader)
  return () => {
    groups.delete(leader)
    if (groups.size === 0) process.off('exit', killAll)
  }
}

function killAll(): void {
  for (const leader of groups) signalGroup(leader, 'SIGKILL')
}
