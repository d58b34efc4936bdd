import type { Invoice, InvoiceLine } from './invoice.ts'

/** What tells a line of an invoice from its others, whenever it is made again. */
export function lineKey({ plan, generation, charge, from }: InvoiceLine): string {
  return `${plan}/${generation}/${charge}/${from.toISOString()}`
}

/**
 * What an invoice that was sent would cost now, less what has been billed of it: the lines that the next
 * invoice carries. Empty when nothing came late.
 * @param now its lines as they would be now
 * @param carried adjustments of it that later invoices have carried
 */
export function adjustmentsOf(
  sent: Invoice,
  now: readonly InvoiceLine[],
  carried: readonly InvoiceLine[],
): readonly InvoiceLine[] {
  const billed = new Map<string, bigint>()
  for (const line of [...ownLines(sent), ...carried.filter(({ of }) => of === sent.number)]) {
    const key = lineKey(line)
    billed.set(key, (billed.get(key) ?? 0n) + line.amount)
  }
  const known = new Map([...ownLines(sent), ...now].map((line) => [lineKey(line), line]))
  const fresh = new Map(now.map((line) => [lineKey(line), line.amount]))
  return [...known].flatMap(([key, line]): InvoiceLine[] => {
    const amount = (fresh.get(key) ?? 0n) - (billed.get(key) ?? 0n)
    if (amount === 0n) return []
    const { plan, generation, charge, from, to, meter, quantity } = line
    return [
      {
        kind: 'adjustment',
        charge,
        text: `${line.text}: usage of ${sent.period} as it is known now (${sent.number})`,
        plan,
        generation,
        from,
        to,
        ...(meter === undefined ? {} : { meter }),
        ...(quantity === undefined ? {} : { quantity }),
        of: sent.number,
        amount,
      },
    ]
  })
}

/** Without what an invoice corrects of others. */
export function ownLines({ lines }: Pick<Invoice, 'lines'>): readonly InvoiceLine[] {
  return lines.filter(({ kind }) => kind !== 'adjustment')
}
