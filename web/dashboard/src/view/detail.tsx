// The panel at the right: all there is to know of the selected row.

import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Payload } from '../payload/formats';
import type { PayloadEvent, WireEvent } from '../protocol/event';
import type { Row } from '../store/row';
import { en } from '../text/en';
import { formatCount, formatDate, formatDuration, formatTime } from '../text/format';
import { useApp, useTopics } from './context';
import { CopyMenu } from './copy_menu';
import { focusComposer } from './focus_composer';
import { GapEvents } from './gap_events';
import { markOf } from './message_row';
import { PayloadView } from './payload_view';
import { Splitter } from './splitter';

function Field({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function titleOf(event: WireEvent): string {
  if (event.kind === 'gap') return en.detail.gapTitle;
  return event.kind === 'message' || event.kind === 'injected'
    ? en.detail.title(event.seq)
    : en.detail.eventTitle(event.seq);
}

function microseconds(wallNs: number): string {
  return String(Math.floor(wallNs / 1000) % 1000).padStart(3, '0');
}

function PayloadFields({ event }: { event: PayloadEvent }) {
  const { fields } = en.detail;
  return (
    <>
      {event.kind === 'injected' && (
        <Field name={fields.direction}>
          {event.direction === 'c2s' ? en.table.toServer : en.table.toClient}
        </Field>
      )}
      <Field name={fields.size}>
        <span class="num">{en.detail.bytes(event.size)}</span>
      </Field>
      {event.targets !== undefined && (
        <Field name={fields.targets}>{en.rail.sessions(event.targets)}</Field>
      )}
      {event.by !== undefined && <Field name={fields.by}>{en.detail.by(event.by)}</Field>}
      {event.flags !== undefined && event.flags.length > 0 && (
        <Field name={fields.flags}>
          {event.flags.map((flag) => en.detail.flags[flag] ?? flag).join(', ')}
        </Field>
      )}
    </>
  );
}

/** To the other message of a question and its answer, and how long that took. */
function PairButton({ to, question, answer }: { to: Row; question: Row; answer: Row }) {
  const { ui } = useApp();
  if (question.event.kind === 'gap' || answer.event.kind === 'gap') return null;
  const ns = answer.event.mono_ns - question.event.mono_ns;
  const took = formatDuration(ns / 1e6);
  return (
    <button type="button" class="link-button num" onClick={() => ui.select(to)}>
      {en.detail.pair(to.event.seq, took)}
    </button>
  );
}

function Fields({ row }: { row: Row }) {
  const { store } = useApp();
  const { event } = row;
  const { fields } = en.detail;
  if (event.kind === 'gap') {
    return (
      <dl>
        <Field name={fields.what}>{en.table.gap(event)}</Field>
        <Field name={fields.run}>
          <span class="mono">{row.run}</span>
        </Field>
      </dl>
    );
  }
  const pipe = store.pipe(event.pipe)?.info;
  const peer = event.kind === 'opened' ? event.peer : store.sessions.get(event.session)?.info.peer;
  return (
    <dl>
      <Field name={fields.time}>
        <span class="num mono">
          {formatTime(event.wall_ns)} {microseconds(event.wall_ns)}
        </span>{' '}
        <span class="faint num">{formatDate(event.wall_ns)}</span>
      </Field>
      <Field name={fields.session}>
        {event.session === 0 ? en.table.wholePipe : `#${event.session} ${row.peerName}`}{' '}
        {peer !== undefined && peer.pid >= 0 && <span class="faint num">{en.detail.peer(peer)}</span>}
      </Field>
      <Field name={fields.pipe}>
        {event.pipe} {pipe !== undefined && <span class="faint">{en.detail.pipeKind(pipe)}</span>}
      </Field>
      {(event.kind === 'message' || event.kind === 'injected') && <PayloadFields event={event} />}
      {row.answers !== undefined && (
        <Field name={en.detail.answers}>
          <PairButton to={row.answers} question={row.answers} answer={row} />
        </Field>
      )}
      {row.answeredBy !== undefined && (
        <Field name={en.detail.answeredBy}>
          <PairButton to={row.answeredBy} question={row} answer={row.answeredBy} />
        </Field>
      )}
      {event.kind === 'opened' && (
        <Field name={fields.what}>{en.table.opened(event.peer, store.isClient(event.pipe))}</Field>
      )}
      {event.kind === 'opened' && en.detail.program(event.peer).length > 0 && (
        <Field name={fields.program}>
          {en.detail.program(event.peer).map((line) => (
            <div key={line} class="mono">
              {line}
            </div>
          ))}
        </Field>
      )}
      {event.kind === 'closed' && (
        <Field name={fields.what}>{en.table.closed(event, row.openedWallNs)}</Field>
      )}
      {event.kind === 'error' && <Field name={fields.what}>{event.detail}</Field>}
      {event.kind === 'dropped' && <Field name={fields.what}>{en.table.dropped(event)}</Field>}
    </dl>
  );
}

function Selected({ row }: { row: Row }) {
  const { ui, draft } = useApp();
  const { event } = row;
  const said = event.kind === 'message' || event.kind === 'injected' ? event : null;
  const payload = useMemo(() => (said === null ? null : Payload.ofEvent(said)), [said]);
  const pinned = said === null ? null : ui.pinned(said.pipe);
  const mode = pinned !== null && payload?.possible.includes(pinned) ? pinned : payload?.natural;
  const mark = markOf(event);
  const close = (): void => {
    ui.select(null);
    ui.setPage('list');
  };
  return (
    <>
      <div class="head">
        <div class="head-line">
          <strong class="num" title={`seq ${formatCount(event.seq)}`}>
            {titleOf(event)}
          </strong>
          {mark.glyph !== '' && (
            <span class={`chip ${mark.kind}`}>
              {mark.glyph} {mark.short}
            </span>
          )}
          <span class="grow" />
          {said !== null && payload !== null && mode !== undefined && (
            <>
              <CopyMenu event={said} payload={payload} mode={mode} />
              <button
                type="button"
                class="btn quiet"
                title={en.detail.resendHint}
                onClick={() => {
                  draft.putPayload(payload.bytes, payload.text);
                  ui.setComposerOpen(true);
                  ui.setPage('send');
                  focusComposer();
                }}
              >
                {en.detail.resend}
              </button>
            </>
          )}
          <button
            type="button"
            class="btn quiet"
            aria-label={en.detail.close}
            title={en.detail.close}
            aria-keyshortcuts="Escape"
            onClick={close}
          >
            ✕
          </button>
        </div>
        <Fields row={row} />
      </div>
      {event.kind === 'gap' && event.count > 0 && <GapEvents key={row.id} gap={event} run={row.run} />}
      {said !== null && payload !== null && mode !== undefined && (
        <PayloadView key={row.id} payload={payload} mode={mode} event={said} row={row} />
      )}
    </>
  );
}

export function Detail() {
  const { ui } = useApp();
  useTopics(ui.topic);
  const row = ui.selected;
  return (
    <aside class={row === null ? 'detail nothing' : 'detail'} aria-label={en.detail.label}>
      {row === null ? (
        <div class="empty">
          <h2>{en.detail.nothing}</h2>
          <p>{en.detail.hint}</p>
        </div>
      ) : (
        <Selected row={row} />
      )}
      <Splitter
        name="detail"
        label={en.panes.detail}
        initial={420}
        minimum={300}
        maximum={900}
        side={-1}
      />
    </aside>
  );
}
