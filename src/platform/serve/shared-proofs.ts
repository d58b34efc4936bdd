import { z } from 'zod'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { askPrimary } from '../../edge/worker.ts'
import { usedProofs } from '../../gateway/gateway.ts'
import type { ProofBook, Use } from '../../gateway/used-proofs.ts'

const questionSchema = z.strictObject({
  proof: z.tuple([parsed(parseTenantId), z.string(), z.string()]),
})

/**
 * Which proofs were used, for all workers of a machine: asked of the first process, since a proof that
 * each worker took once would be good as often as there are workers. No answer is no first use.
 */
export const askedProofs: ProofBook = {
  async take(tenant, thumbprint, id) {
    const use = await askPrimary({ proof: [tenant, thumbprint, id] }).catch(() => 'too-many')
    return use === 'first' || use === 'again' ? use : 'too-many'
  },
}

/** What the first process answers its workers. */
export function proofAnswers(): (question: unknown) => Use | undefined {
  const used = usedProofs()
  return (question) => {
    const { success, data } = questionSchema.safeParse(question)
    return success ? used.take(...data.proof) : undefined
  }
}
