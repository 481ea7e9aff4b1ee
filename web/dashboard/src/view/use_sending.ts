// Sends what the composer holds: once, or again and again at an interval; and says what became of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Answer, api, type Target } from '../connection/api';
import { fillVariables } from '../payload/encode';
import type { Direction } from '../protocol/event';
import type { Draft } from '../store/draft';
import { en } from '../text/en';

export interface Outcome {
  readonly kind: 'good' | 'warn' | 'bad' | 'faint';
  readonly words: string;
}

interface Delivered extends Outcome {
  readonly answer?: Answer;
}

export interface Repeat {
  readonly times: number;
  readonly intervalMs: number;
}

export interface Sending {
  readonly isSending: boolean;
  /** Of a repetition that is under way. */
  readonly progress: { readonly done: number; readonly times: number } | null;
  readonly outcome: Outcome | null;
  /** Of the last call; null: there was none, or no answer. */
  readonly answer: Answer | null;
  send(): void;
  repeat(how: Repeat): void;
  cancel(): void;
}

interface Way {
  readonly draft: Draft;
  readonly target: Target;
  readonly direction: Direction | null;
}

async function deliver({ draft, target, direction }: Way, count: number): Promise<Delivered> {
  const text = fillVariables(draft.text, count, new Date(), () => crypto.randomUUID());
  const encoded = draft.encode(text);
  if (!encoded.ok) return { kind: 'bad', words: en.composer.wrong(encoded.offset + 1, encoded.detail) };
  const body = encoded.bytes.slice().buffer;
  if (draft.callMs !== null) {
    const said = await api.call(target, direction, body, draft.callMs);
    return said.ok
      ? { kind: 'good', words: en.composer.answered(said.value), answer: said.value }
      : { kind: 'bad', words: en.composer.problem(said.problem) };
  }
  const answer = await api.send(target, direction, body);
  if (!answer.ok) return { kind: 'bad', words: en.composer.problem(answer.problem) };
  return { kind: answer.status === 201 ? 'good' : 'warn', words: en.composer.delivered(answer.value) };
}

export function useSending(draft: Draft, target: Target | null, direction: Direction | null): Sending {
  const [isSending, setSending] = useState(false);
  const [progress, setProgress] = useState<Sending['progress']>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const isCancelled = useRef(false);
  /** Ends the wait for the next of a repetition. */
  const stopWaiting = useRef<() => void>(() => undefined);
  const cancel = (): void => {
    isCancelled.current = true;
    stopWaiting.current();
  };
  useEffect(
    () => () => {
      isCancelled.current = true;
      stopWaiting.current();
    },
    [],
  );
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const id = setTimeout(resolve, ms);
      stopWaiting.current = () => {
        clearTimeout(id);
        resolve();
      };
    });

  const run = async (times: number, intervalMs: number): Promise<void> => {
    if (target === null || isSending) return;
    isCancelled.current = false;
    setSending(true);
    let last: Delivered | null = null;
    let done = 0;
    while (done < times && !isCancelled.current) {
      last = await deliver({ draft, target, direction }, done + 1);
      if (last.kind === 'bad') break;
      done += 1;
      if (times > 1) setProgress({ done, times });
      if (done < times) await wait(intervalMs);
    }
    setProgress(null);
    setSending(false);
    if (last === null) return;
    setAnswer(last.answer ?? null);
    if (done > 0) draft.keepSent();
    setOutcome(times === 1 ? last : { ...last, words: en.composer.repeated(done, times, last.words) });
  };
  return {
    isSending,
    progress,
    outcome,
    answer,
    send: () => void run(1, 0),
    repeat: ({ times, intervalMs }) => void run(times, intervalMs),
    cancel,
  };
}
