// One line for each test, and a closing line as of the other suites: N passed, N failed, N skipped.

export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of source) {
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.nesting > 0) continue
    const skipped = data.skip !== undefined
    const result = skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed'
    counts[result] += 1
    if (skipped) yield `SKIP ${data.name}: ${data.skip}\n`
    else if (result === 'passed') yield `ok   ${data.name} (${(data.details.duration_ms / 1000).toFixed(1)} s)\n`
    else {
      const { error } = data.details
      yield `FAIL ${data.name}\n${error.cause?.stack ?? error.stack ?? error.message}\n`
    }
  }
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`
}
