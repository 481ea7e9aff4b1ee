// Every English word that the page says. Plain and exact; an error says what happened, to what, what to do.
import type { Answer, Delivery, Problem } from '../connection/api';
import type {
  ClosedEvent,
  DroppedEvent,
  GapEvent,
  Peer,
  PipeConnection,
  PipeEvent,
  PipeInfo,
  SentBy,
} from '../protocol/event';
import {
  formatBytes,
  formatClock,
  formatCommandLine,
  formatCount,
  formatDuration,
  formatRate,
} from './format';

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

const closedBy: Readonly<Record<string, string>> = {
  peer: 'closed by the other end',
  local: 'disconnected on request',
  error: 'broke',
  limit: 'closed at a limit',
  stop: 'closed because the bridge stopped',
  removed: 'closed because the pipe was removed',
  upstream: 'closed by the upstream',
  refused: 'refused',
};

const pipeChanges: Readonly<Record<PipeEvent['kind'], string>> = {
  pipe_added: 'pipe added',
  pipe_changed: 'pipe changed',
  pipe_removed: 'pipe removed',
};

const gapWhy: Readonly<Record<GapEvent['reason'], string>> = {
  slow: 'this page fell behind',
  expired: 'the bridge no longer holds them',
  run: 'the bridge was restarted',
  untold: 'they did not reach this page, and nobody said why',
  before: 'they came before this page was opened',
};

function seqRange(from: number, to: number): string {
  return from === to ? `seq ${formatCount(from)}` : `seq ${formatCount(from)}–${formatCount(to)}`;
}

const userOf = (peer: Peer): string => peer.user ?? `uid ${peer.uid}`;

export const en = {
  product: 'pipebridge',
  allPipes: 'All pipes',
  none: '–',

  api: {
    timeout: (seconds: number) => `The service did not answer within ${seconds} s. Try again.`,
    unreachable: 'The service cannot be reached. The page reconnects by itself; send again then.',
    status: (status: number) => `The service answered with status ${status}.`,
  },

  header: {
    live: 'Live',
    connecting: 'Connecting',
    reconnecting: 'Reconnecting',
    lost: 'Disconnected',
    asOf: (lostAtMs: number) => ` · as of ${formatClock(lostAtMs)}`,
    retryIn: (seconds: number) => `retry in ${seconds} s`,
    retryNow: 'Retry now',
    stuck: 'The pipe thread does not answer',
    messagesPerSecond: (count: number) => `${formatCount(Math.round(count))} msg/s`,
    bytesPerSecond: (count: number) => `${formatBytes(count)}/s`,
    theme: { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' },
    state: 'Connection',
  },

  rail: {
    title: 'Pipes',
    sessions: (count: number) => plural(count, 'session'),
    away: 'no server',
    errors: (count: number) => plural(count, 'error'),
    noPipes: 'No pipes are configured.',
    spark: (name: string) => `Messages per second of ${name} in the last minute`,
  },

  main: {
    allPath: (count: number) => plural(count, 'pipe'),
    away: ({ failure, queued }: PipeConnection) => {
      const why = failure === undefined ? '' : ` (${failure.replaceAll('_', ' ')})`;
      const waiting = queued.messages === 0 ? '' : `; ${plural(queued.messages, 'message')} kept`;
      return `not connected${why}, tries again${waiting}`;
    },
    connected: 'connected',
    unknownPipe: (name: string) => `There is no pipe named ${name}.`,
    tabs: { messages: 'Messages', sessions: 'Sessions', overview: 'Overview' },
    onlySession: (id: number, name: string) => `Only session #${id}${name === '' ? '' : ` ${name}`}`,
    clearSession: 'Show all sessions',
    pause: 'Pause',
    resume: 'Resume',
    waiting: (count: number) => `${formatCount(count)} waiting`,
    follow: 'Follow',
    shown: (count: number, all: number) =>
      count === all ? plural(count, 'row') : `${formatCount(count)} of ${plural(all, 'row')}`,
    kept: (count: number, dropped: number) =>
      dropped === 0
        ? `${plural(count, 'row')} in this page's memory`
        : `${plural(count, 'row')} in this page's memory; ${formatCount(dropped)} older ones have left it`,
    dropped: (count: number) => `${formatCount(count)} older let go`,
  },

  filter: {
    label: 'Filter',
    placeholder: 'Filter: text, /expression/, pipe:, session:, kind:, size>1k …',
    offers: 'What could stand here',
    recent: 'used before',
    clear: 'Show everything',
    problem: (character: number, detail: string) =>
      `At character ${formatCount(character)}: ${detail}. Shown is what matched before.`,
    /** In the order in which they are offered. */
    keys: {
      'pipe:': 'name of a pipe, * for any characters',
      'session:': 'number of a session',
      'direction:': 'c2s or s2c',
      'kind:': 'message, injected, opened, closed, error',
      'size>': 'more bytes than',
      'size<': 'fewer bytes than',
      'text:': 'contains, in upper or lower case',
      'hex:': 'contains these bytes',
      'regex:': 'a regular expression finds something',
      'pid:': 'number of the peer’s process',
      'uid:': 'number or name of the peer’s user',
      'executable:': 'the peer’s program, its path where there is a slash',
      'peer:': 'what the peer calls itself',
      'unit:': 'the peer’s unit of systemd',
      'container:': 'the peer’s container',
      'flag:': 'incomplete, reply or private',
      'not ': 'what follows must not hold',
      'or ': 'the one or the other',
    },
  },

  panes: { rail: 'Width of the list of pipes', detail: 'Width of the panel at the right' },

  saved: {
    title: 'Saved filters',
    name: 'Name for this filter',
    keep: 'Save',
    remove: (name: string) => `Forget ${name}`,
  },

  pipeForm: {
    add: 'Add a pipe',
    addYes: 'Add',
    edit: (name: string) => `Settings of ${name}`,
    editShort: 'Settings…',
    save: 'Save',
    cancel: 'Cancel',
    remove: 'Remove…',
    removeYes: 'Remove it and end its sessions',
    more: 'More settings',
    json: 'as JSON',
    nameNeeded: 'A pipe needs a name.',
    byDefault: (value: string) => (value === '' ? '–' : `${value} (default)`),
  },

  palette: {
    open: 'Jump to…',
    label: 'Jump to, or do',
    placeholder: 'A pipe, a session, something to do',
    place: 'view',
    pipe: 'pipe',
    session: (pipe: string) => `session of ${pipe}`,
    filter: 'Filter messages',
    send: 'Write a message',
    times: 'Tell time another way',
    density: 'Rows of another height',
    theme: 'Another theme',
    help: 'What the keyboard does',
    space: 'Space',
    nothing: 'Nothing has such a name.',
  },

  help: {
    title: 'Keyboard',
    close: 'Close',
    keys: [
      [['Ctrl K'], 'Jump to a pipe or a session, or do something, by name'],
      [['/'], 'Filter messages; Tab completes, Esc leaves'],
      [['j', 'k'], 'Select the next, the previous row'],
      [['Space'], 'Pause, resume'],
      [['f', 'End'], 'Follow what comes'],
      [['Home', 'Page Up', 'Page Down'], 'Move through the table'],
      [['t'], 'Time of the day, here or in UTC, since the selected row, since the row above'],
      [['d'], 'Rows of another height'],
      [['c'], 'Write a message'],
      [['Ctrl ⏎'], 'Send it'],
      [['Alt ↑', 'Alt ↓'], 'What was sent before, in the box to send from'],
      [['Esc'], 'Close what is open; select nothing'],
      [['?'], 'This list'],
    ] as readonly (readonly [readonly string[], string])[],
  },

  overview: {
    label: 'Pipes',
    messages: 'Messages per second',
    bytes: 'Bytes per second',
    waiting: 'The first second is being counted.',
    columns: {
      pipe: 'Pipe',
      role: 'Role',
      sessions: 'Sessions',
      rate: 'Now',
      c2s: '→ to server',
      s2c: '← to client',
      injected: 'Injected',
      errors: 'Errors',
      dropped: 'Dropped',
    },
    facts: {
      path: 'Path',
      upstream: 'Upstream',
      role: 'Role',
      transport: 'Transport',
      mode: 'Mode',
      framing: 'Framing',
      reply: 'Replies by itself',
      sessions: 'Sessions',
      total: 'Sessions so far',
      run: 'Run',
      version: 'Version',
    },
    traffic: (messages: number, bytes: number) => `${formatCount(messages)} · ${formatBytes(bytes)}`,
    rate: (messages: number, bytes: number) => `${formatRate(messages)} · ${formatBytes(bytes)}/s`,
  },

  table: {
    label: 'Messages',
    columns: {
      time: 'Time',
      direction: 'Direction',
      pipe: 'Pipe',
      session: 'Session',
      size: 'Size',
      message: 'Message',
    },
    times: { clock: 'Time', utc: 'Time (UTC)', since: 'Since selected', delta: 'Since above' },
    timesHint: 'Time of the day, here or in UTC, since the selected row, or since the row above (t)',
    wholePipe: 'all sessions',
    others: 'the others',
    toServer: 'client to server',
    toClient: 'server to client',
    serverward: 'to server',
    clientward: 'to client',
    injected: 'injected',
    injectedTo: (targets: number | undefined) =>
      targets === undefined ? 'injected' : `injected into ${plural(targets, 'session')}`,
    reply: 'reply',
    incomplete: 'incomplete',
    hex: 'hex',
    empty: 'empty message',
    error: 'error',
    opened: (peer: Peer, isClient: boolean) => {
      const name = peer.name === '' ? (isClient ? 'a server' : 'a client') : peer.name;
      const verb = isClient ? 'connected to' : 'opened by';
      const known = [peer.pid >= 0 ? `pid ${peer.pid}` : '', peer.uid >= 0 ? userOf(peer) : ''];
      const detail = known.filter((part) => part !== '').join(', ');
      return detail === '' ? `${verb} ${name}` : `${verb} ${name} (${detail})`;
    },
    closed: (event: ClosedEvent, openedWallNs: number) => {
      const by = closedBy[event.reason] ?? `closed: ${event.reason}`;
      const after =
        openedWallNs > 0 ? ` after ${formatDuration((event.wall_ns - openedWallNs) / 1e6)}` : '';
      const status =
        event.status === 'ok' || event.status === '' ? '' : ` (${event.status.replaceAll('_', ' ')})`;
      return `${by}${after}${status}`;
    },
    pipe: (event: PipeEvent) => pipeChanges[event.kind],
    droppedMark: 'dropped',
    dropped: (event: DroppedEvent) =>
      `${plural(event.count, 'message')} (${formatBytes(event.bytes)}) not shown: more was said than can be told, ` +
      'and this pipe is set to drop rather than to wait',
    gap: (event: GapEvent) => {
      const range = event.count > 0 ? ` (${seqRange(event.from, event.to)})` : '';
      if (event.reason === 'before') return `${plural(event.count, 'earlier event')} not loaded${range}`;
      if (event.reason === 'run') {
        const missed =
          event.count > 0 ? `; ${plural(event.count, 'event')} of it not shown${range}` : '';
        return `The bridge was restarted: another run begins here${missed}. What was said in between is not known.`;
      }
      return `${plural(event.count, 'event')} not shown: ${gapWhy[event.reason] ?? event.reason}${range}`;
    },
  },

  sessions: {
    label: 'Sessions',
    columns: {
      session: 'Session',
      process: 'Process',
      ids: 'pid · user',
      since: 'Since',
      c2s: '→ to server',
      s2c: '← to client',
      state: 'State',
      actions: 'Actions',
    },
    traffic: (messages: number, bytes: number) => `${formatCount(messages)} · ${formatBytes(bytes)}`,
    open: 'open',
    none: 'No session is open.',
    noneOfPipe: (name: string) => `No session of ${name} is open.`,
    messages: 'Messages',
    send: 'Send',
    disconnect: 'Disconnect',
    unknown: 'unknown',
    confirm: {
      title: (id: number, name: string) =>
        `Disconnect session #${id}${name === '' ? '' : ` (${name})`}?`,
      body: 'Its client sees the pipe close. What the client has not read yet may be lost. It can connect again.',
      bodyClient:
        'Its server sees the pipe close. What the server has not read yet may be lost. The bridge connects again.',
      bodyInbound:
        'Who writes to this FIFO notices nothing: what comes from now on is a session of its own.',
      yes: 'Disconnect',
      no: 'Keep it',
    },
  },

  detail: {
    label: 'Selected message',
    nothing: 'Nothing selected',
    hint: 'Choose a row to see all of it here: click it, or press j and k.',
    title: (seq: number) => `Message ${formatCount(seq)}`,
    eventTitle: (seq: number) => `Event ${formatCount(seq)}`,
    gapTitle: 'Gap',
    close: 'Close',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'The browser refused',
    by: (by: SentBy) => [by.client, by.address, by.via].filter(Boolean).join(', '),
    fields: {
      by: 'Sent by',
      time: 'Time',
      session: 'Session',
      pipe: 'Pipe',
      size: 'Size',
      direction: 'Direction',
      targets: 'Reached',
      flags: 'Flags',
      run: 'Run',
      what: 'What',
      program: 'Program',
      reason: 'Reason',
      since: 'Since start',
    },
    pipeKind: (pipe: PipeInfo) => {
      const what = pipe.transport === 'fifo' ? `${pipe.access} FIFO` : pipe.role;
      return pipe.mode === 'message' ? `${what} · message mode` : `${what} · ${pipe.framing} framing`;
    },
    bytes: (count: number) => plural(count, 'byte'),
    peer: (peer: Peer) =>
      peer.pid < 0 && peer.uid < 0 ? 'unknown' : `pid ${peer.pid} · ${userOf(peer)}`,
    /** What else is known of a process, line by line. */
    program: ({ command_line: words, executable, unit, container, ...peer }: Peer) => [
      ...(words !== undefined && words.length > 0
        ? [formatCommandLine(words, peer.command_line_is_cut === true)]
        : []),
      ...(executable === undefined
        ? []
        : [
            peer.executable_is_current === false ? `${executable} (not the file there now)` : executable,
          ]),
      ...(unit === undefined ? [] : [`unit ${unit}`]),
      ...(container === undefined ? [] : [`container ${container}`]),
    ],
    modes: {
      json: 'JSON',
      messagepack: 'MessagePack',
      cbor: 'CBOR',
      head: 'Head, body',
      protobuf: 'Protobuf',
      text: 'Text',
      hex: 'Hex',
      base64: 'Base64',
    },
    pinned: (pipe: string) => `Stays so for ${pipe}`,
    copyShown: 'As it is shown',
    resend: 'Resend…',
    resendHint: 'Put it into the box to send from',
    copyForms: {
      text: 'Text',
      hex: 'Hex digits',
      dump: 'Hex dump',
      base64: 'Base64',
      curl: 'curl line that sends it',
      python: 'Python bytes',
      c: 'C array',
    },
    copyPath: (path: string) => `Copy the path ${path}`,
    pathCopied: 'path copied',
    answers: 'Answers',
    answeredBy: 'Answered by',
    pair: (seq: number, ms: string) => `message ${formatCount(seq)} after ${ms}`,
    compare: 'Compare',
    compareThis: 'Compare with another…',
    compareHint: 'Then choose the other message.',
    comparedWith: (seq: number) => `Compared with message ${formatCount(seq)}`,
    compareEnd: 'End comparing',
    same: 'They are the same.',
    tooDifferent: 'They are too large, or too different, to be compared line by line.',
    fetch: (count: number) => `Fetch ${count === 1 ? 'it' : 'them'}`,
    fetching: 'Fetching…',
    fetched: (count: number, missing: number) =>
      missing === 0
        ? `${plural(count, 'event')} fetched`
        : `${plural(count, 'event')} fetched; ${plural(missing, 'event')} the bridge no longer holds`,
    fetchMore: 'Fetch more',
    fold: (path: string) => `Fold ${path === '' ? 'all' : path}`,
    unfold: (path: string) => `Unfold ${path === '' ? 'all' : path}`,
    items: (count: number) => plural(count, 'item'),
    moreItems: (count: number) => `${plural(count, 'more item')}`,
    modesLabel: 'How the payload is shown',
    cut: (shown: number, all: number) =>
      `The first ${formatBytes(shown)} of ${formatBytes(all)}. Copy takes all of it.`,
    notText: 'Not valid UTF-8: shown with � where bytes are no text. See Hex.',
    empty: 'The message has no bytes.',
    flags: {
      incomplete: 'incomplete: the other end closed in the middle of it',
      reply: 'reply: said by the bridge itself',
      private: 'private: in a session that one WebSocket has for itself',
    } as Readonly<Record<string, string>>,
  },

  composer: {
    title: 'Send',
    to: 'to',
    targetLabel: 'Receiver',
    allOf: (pipe: string, sessions: number) => `all of ${pipe} (${plural(sessions, 'session')})`,
    serverOf: (pipe: string, isConnected: boolean) =>
      isConnected ? `the server of ${pipe}` : `the server of ${pipe}, when it is there`,
    directionLabel: 'Direction',
    directions: { c2s: 'towards the upstream', s2c: 'towards the client' },
    session: (id: number, name: string) => `#${id}${name === '' ? '' : ` ${name}`}`,
    more: (count: number) => `${plural(count, 'more session')}: choose in the Sessions tab`,
    gone: (id: number) => `#${id} (closed)`,
    modesLabel: 'Notation of the message',
    modes: { text: 'Text', json: 'JSON', hex: 'Hex', base64: 'Base64', file: 'File' },
    placeholders: {
      text: 'What to say. A line’s end is added where the pipe’s framing has one.',
      json: '{"command": …} It is sent in one line.',
      hex: '82 a5 65 76 …',
      base64: 'gqVldmVudA==',
    },
    endingLabel: 'Ends of lines',
    wrong: (character: number, detail: string) => `At character ${formatCount(character)}: ${detail}.`,
    chooseFile: 'Choose a file, or drag one here: it is sent as one message, byte for byte.',
    file: (name: string, bytes: number) => `${name} · ${plural(bytes, 'byte')}`,
    history: 'Sent',
    historyKeys: 'What was sent before: Alt ↑ and Alt ↓ in the box',
    snippets: 'Snippets',
    snippetName: 'Name for what is in the box',
    snippetHint: '{{n}}, {{time}}, {{unix}} and {{uuid}} are filled in with each message.',
    keepSnippet: 'Keep',
    removeSnippet: (name: string) => `Remove ${name}`,
    repeat: 'Repeat…',
    times: 'Times',
    interval: 'Interval in ms',
    start: 'Start',
    progress: (done: number, times: number) => `${formatCount(done)} of ${formatCount(times)} sent`,
    cancel: 'Cancel',
    repeated: (done: number, times: number, last: string) =>
      `${formatCount(done)} of ${formatCount(times)} sent; the last: ${last}`,
    copyCurl: 'Copy as curl',
    wait: 'Wait for the answer',
    upTo: 'up to',
    waitLabel: 'How long the answer is waited for',
    seconds: (count: number) => `${count} s`,
    answerLabel: 'Answer',
    answered: ({ microseconds, seq }: Answer) =>
      `answered in ${formatDuration(microseconds / 1000)} · seq ${formatCount(seq)}`,
    bodyLabel: 'Message text',
    send: 'Send',
    sending: 'Sending…',
    show: 'Open the composer',
    hide: 'Fold the composer away',
    noPipe: (pipe: string | null) =>
      pipe === null
        ? 'There is no pipe to send to.'
        : `Nothing can be sent into ${pipe}: it is inbound.`,
    delivered: (answer: Delivery) => {
      const parts: string[] = [];
      if (answer.targets === 0) parts.push('no session is connected: nobody got it');
      else if (answer.delivered > 0) parts.push(`delivered to ${plural(answer.delivered, 'session')}`);
      const isKept = answer.queued > 0 && answer.seq === 0;
      if (isKept) parts.push('kept until the server is there');
      else if (answer.queued > 0)
        parts.push(`waiting in the queue of ${plural(answer.queued, 'session')}`);
      if (answer.refused > 0) parts.push(`refused by ${plural(answer.refused, 'session')}`);
      parts.push(formatBytes(answer.bytes));
      if (answer.seq > 0) parts.push(`seq ${formatCount(answer.seq)}`);
      return parts.join(' · ');
    },
    problem: (problem: Problem) =>
      problem.retryAfterSeconds === null
        ? problem.detail
        : `${problem.detail} Try again in ${problem.retryAfterSeconds} s.`,
  },

  start: {
    waiting: 'Nothing was said yet',
    hint: 'Paste a line into a terminal; what it says appears here at once.',
    talk: (pipe: string) => `Talk through ${pipe}: what you type goes to the pipe`,
    write: (pipe: string) => `Say something into ${pipe}`,
    read: (pipe: string) => `Read what is sent to ${pipe}`,
    inject: (pipe: string) => `Send to every client of ${pipe}`,
    injectUpstream: (pipe: string) => `Send to the upstream of every client of ${pipe}`,
    injectServer: (pipe: string) => `Send to the server of ${pipe}`,
    watch: 'Watch in a terminal',
    copy: 'Copy',
    copied: 'Copied',
    loading: 'Loading…',
    noMatch: 'Nothing of this session is in the page’s memory.',
    noMatchFilter:
      'Nothing in the page’s memory matches the filter. What comes and matches appears here.',
    lost: 'The page reconnects by itself. What was said meanwhile is fetched then.',
    neverReached: 'The service cannot be reached yet.',
  },

  pages: { pipes: 'Pipes', list: 'Messages', message: 'Message', send: 'Send', label: 'Pages' },

  document: (pipe: string | null, isLive: boolean) =>
    `${isLive ? '' : '○ '}${pipe === null ? '' : `${pipe} · `}pipebridge`,
};
