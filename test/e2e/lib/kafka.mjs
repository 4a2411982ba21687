// A real Kafka of one process on free ports, of the jars that `./dev setup test` brings, and its own
// console consumer. As test/support/kafka_broker.h has it for the C++ tests.

import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { free_port } from './server.mjs'
import { until } from './wait.mjs'

const jars = fileURLToPath(new URL('../../../build/tools/kafka/jars', import.meta.url))
const java = (main, args) => ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, main, ...args]

export class Kafka {
  static installed() {
    return fs.existsSync(jars)
  }

  /** Starts one and waits until it serves. */
  static async start() {
    const kafka = new Kafka()
    kafka.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-kafka-'))
    kafka.brokers = `127.0.0.1:${await free_port()}`
    const controller = `127.0.0.1:${await free_port()}`
    kafka.properties = path.join(kafka.scratch, 'server.properties')
    fs.writeFileSync(kafka.properties, Object.entries({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': `1@${controller}`,
      listeners: `PLAINTEXT://${kafka.brokers},CONTROLLER://${controller}`,
      'log.dirs': path.join(kafka.scratch, 'data'),
      'auto.create.topics.enable': false,
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 1,
      'group.initial.rebalance.delay.ms': 0,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'log.cleaner.enable': false,
      // One that was killed may come back as soon as it is no longer expected to be alive.
      'broker.session.timeout.ms': 2000,
      'broker.heartbeat.interval.ms': 500,
    }).map(([key, value]) => `${key}=${value}\n`).join(''))
    await promisify(execFile)('java', java('kafka.tools.StorageTool', ['format', '-t', 'd2VmdC10ZXN0cy1rYWZrYQ', '-c', kafka.properties]))
    await kafka.serve()
    return kafka
  }

  /** Starts it, the first time or again, on the same data and port. */
  async serve() {
    let output = ''
    this.process = spawn('java', java('kafka.Kafka', [this.properties]))
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (chunk) => (output += chunk))
    this.exit = new Promise((resolve) => this.process.once('exit', resolve))
    await until(() => `Kafka serves; it said ${output.slice(-2000)}`, () => output.includes('Kafka Server started'), 60_000)
  }

  /** Ends it at once; what it had taken is on its disk. */
  async kill() {
    this.process.kill('SIGKILL')
    await this.exit
  }

  /** What Kafka's console consumer shows of a topic: [{key, headers, value}], values as Buffers. */
  async consume(topic) {
    const separator = '\u0001'
    const end = '\u0002end\u0002'
    const args = ['--bootstrap-server', this.brokers, '--topic', topic, '--from-beginning', '--timeout-ms', '6000',
      '--property', 'print.key=true', '--property', 'print.partition=true', '--property', 'print.offset=true',
      '--property', `key.separator=${separator}`, '--property', `line.separator=${end}`]
    const { stdout } = await promisify(execFile)('java', java('org.apache.kafka.tools.consumer.ConsoleConsumer', args),
      { encoding: 'latin1', maxBuffer: 1 << 28 })
    return stdout.split(end).slice(0, -1).map((line) => {
      const [partition, offset, key, ...value] = line.split(separator)
      return { partition: Number(partition.slice('Partition:'.length)), offset: Number(offset.slice('Offset:'.length)),
        key: Buffer.from(key, 'latin1').toString(), value: Buffer.from(value.join(separator), 'latin1') }
    })
  }

  async stop() {
    await this.kill()
    fs.rmSync(this.scratch, { recursive: true, force: true })
  }
}
