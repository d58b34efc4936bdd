import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Processes of a bench: files of this folder that are told by one message what to be. */
export class Forked {
  readonly #children: ChildProcess[] = []

  /** Starts `<name>.ts`, tells it its work, and resolves with its first answer. */
  async start<Work extends object | string, Answer>(name: string, work: Work): Promise<Answer> {
    return (await this.begin<Work, Answer>(name, work)).answer
  }

  /** The same, for a process that is talked to afterwards. */
  async begin<Work extends object | string, Answer>(
    name: string,
    work: Work,
  ): Promise<{ readonly child: ChildProcess; readonly answer: Answer }> {
    const child = fork(join(import.meta.dirname, `${name}.ts`))
    this.#children.push(child)
    child.send(work)
    return { child, answer: await answerOf<Answer>(child) }
  }

  stop(): void {
    for (const child of this.#children) child.kill()
  }
}

/** The next message of a process. Rejects when it ends without one. */
export async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const waiting = new AbortController()
  const { signal } = waiting
  try {
    const message = once(child, 'message', { signal }).then(([answer]) => answer as Answer)
    const exit = once(child, 'exit', { signal }).then((): Answer => {
      throw new Error('a process of the bench ended before it had answered')
    })
    return await Promise.race([message, exit])
  } finally {
    waiting.abort()
  }
}
