import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Names every skipped test with its reason, and ends with one plain line that any CI can read. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const count = (state: 'passed' | 'failed' | 'skipped'): number =>
      tests.filter((test) => test.result().state === state).length;
    for (const test of tests) if (test.result().state === 'skipped') console.log(`skipped: ${test.fullName}: ${reasonOf(test)}`);
    console.log(`\nTests: ${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`);
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' && result.note !== undefined ? result.note : 'no reason given';
}
