import { toError } from "../../errors";

/** A question that waits for its answer, or for the answers before it. */
interface Waiting<T> {
  answer: { readonly value: T } | null;
  readonly tell: (answer: T) => void;
}

/**
 * Lets answers out in the order of their questions, for each client by itself, while all questions are open at
 * once. What BifroMQ does for each connection.
 */
export class Order<T> {
  private readonly queues = new Map<string, Waiting<T>[]>();

  /** Whether no question waits, of any client. */
  get isEmpty(): boolean {
    return this.queues.size === 0;
  }

  /** Takes a place in the client's queue; the function that comes back is to be called with the answer, once. */
  enter(client: string, tell: (answer: T) => void): (answer: T) => void {
    const queue = this.queues.get(client) ?? [];
    const waiting: Waiting<T> = { answer: null, tell };
    queue.push(waiting);
    this.queues.set(client, queue);
    return (value) => {
      waiting.answer = { value };
      this.release(client, queue);
    };
  }

  /** The answers that are there, up to the first that is not. Somebody who throws stops nobody else. */
  private release(client: string, queue: Waiting<T>[]): void {
    const thrown: unknown[] = [];
    for (let [head] = queue; head?.answer; [head] = queue) {
      const { answer, tell } = head;
      queue.shift();
      // Whoever is told may ask again: the queue stays known while it is in use.
      if (queue.length === 0) this.queues.delete(client);
      try {
        tell(answer.value);
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw toError(thrown[0]);
  }
}
