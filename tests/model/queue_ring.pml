/* The hand-over of bridge/src/queue.c: reserve, commit, consume, zero, free, with the wrap by a padding record.
 *
 * Each thread's stores wait in a buffer of its own and reach memory in any order, with two exceptions: stores to
 * one address stay in order, and a release store comes after everything before it. The head's
 * compare-and-swap does not empty the buffer. Loads happen in the order of the program, as acquire makes them
 * (that the acquires are there is ThreadSanitizer's to see).
 *
 * The ring has CELLS words. A record is a header word, which is also its commit, and at most one payload word.
 * The payload looks like a committed header, so that one taken for the other shows. Broken variants, each of
 * which must fail: -DRELAXED_COMMIT, -DRELAXED_TAIL, -DZERO_HEADERS_ONLY. */

#define PRODUCERS 2
#ifndef RECORDS
#define RECORDS 2 /* of each producer */
#endif
#define TOTAL (PRODUCERS * RECORDS)
#define CELLS 4
#define TAIL CELLS /* its address; the cells are 0 to CELLS - 1 */
#define CONSUMER PRODUCERS
#define BUFFERED 4 /* the most that one thread has buffered before it waits for room */

/* Words: 0 is free; a record's has its producer, its number from 1 and whether it has a payload. */
#define PADDING 1
#define RECORD(producer, number, has_payload) (((number) << 3) | ((has_payload) << 2) | ((producer) << 1))
#define PAYLOAD RECORD(0, RECORDS, 0)

#ifdef RELAXED_COMMIT
#define COMMIT_IS_RELEASE 0
#else
#define COMMIT_IS_RELEASE 1
#endif
#ifdef RELAXED_TAIL
#define TAIL_IS_RELEASE 0
#else
#define TAIL_IS_RELEASE 1
#endif

typedef store_buffer_t {
  byte count;
  byte address[BUFFERED];
  byte value[BUFFERED];
  bit is_release[BUFFERED]
}

byte memory[CELLS + 1];
store_buffer_t buffer[PRODUCERS + 1];
byte head;        /* by compare-and-swap only */
byte cached_tail; /* a hint that may be old; its release and acquire order nothing that TAIL's do not */

inline store(thread, store_address, store_value, store_is_release) {
  atomic {
    buffer[thread].count < BUFFERED ->
    buffer[thread].address[buffer[thread].count] = store_address;
    buffer[thread].value[buffer[thread].count] = store_value;
    buffer[thread].is_release[buffer[thread].count] = store_is_release;
    buffer[thread].count++
  }
}

/* A thread sees its own latest store, buffered or not. */
inline load(thread, load_address, out) {
  d_step {
    out = memory[load_address];
    scan = 0;
    do
    :: scan < buffer[thread].count ->
       if
       :: buffer[thread].address[scan] == load_address -> out = buffer[thread].value[scan]
       :: else
       fi;
       scan++
    :: else -> break
    od;
    scan = 0
  }
}

/* Whether entry `index` may reach memory before those in front of it. */
inline flush_check(thread, index) {
  can_flush = index < buffer[thread].count && (index == 0 || !buffer[thread].is_release[index]);
  scan = 0;
  do
  :: can_flush && scan < index ->
     can_flush = buffer[thread].address[scan] != buffer[thread].address[index];
     scan++
  :: else -> break
  od
}

inline flush(thread, index) {
  memory[buffer[thread].address[index]] = buffer[thread].value[index];
  scan = index;
  do
  :: scan + 1 < buffer[thread].count ->
     buffer[thread].address[scan] = buffer[thread].address[scan + 1];
     buffer[thread].value[scan] = buffer[thread].value[scan + 1];
     buffer[thread].is_release[scan] = buffer[thread].is_release[scan + 1];
     scan++
  :: else -> break
  od;
  buffer[thread].count--;
  buffer[thread].address[buffer[thread].count] = 0;
  buffer[thread].value[buffer[thread].count] = 0;
  buffer[thread].is_release[buffer[thread].count] = 0
}

proctype store_buffer(byte thread) {
  byte index;
  byte scan;
  bool can_flush;
end_nothing_stored:
  do
  :: atomic {
       buffer[thread].count > 0 ->
       /* Any of them, the first at least. */
       index = 0;
       do
       :: index + 1 < buffer[thread].count -> index++
       :: break
       od;
       flush_check(thread, index);
       if
       :: can_flush
       :: else -> index = 0
       fi;
       flush(thread, index);
       index = 0;
       scan = 0;
       can_flush = false
     }
  od
}

/* A reservation finds only zeroes. */
inline check_zero(thread, address) {
  load(thread, address, word);
  assert(word == 0)
}

proctype producer(byte thread) {
  byte number = 1;
  byte old_head;
  byte seen_tail;
  byte span;
  byte padding;
  byte word;
  byte scan;
  do
  :: number <= RECORDS ->
     if
     :: span = 1
     :: span = 2
     fi;
     do
     :: d_step {
          old_head = head;
          padding = (span > CELLS - old_head % CELLS -> CELLS - old_head % CELLS : 0)
        }
        seen_tail = cached_tail;
        if
        :: old_head + padding + span - seen_tail > CELLS ->
           seen_tail = memory[TAIL];
           cached_tail = seen_tail
        :: else
        fi;
        if
        :: old_head + padding + span - seen_tail > CELLS ->
           /* FULL: try again when the consumer, or another producer, has moved. */
           (memory[TAIL] != seen_tail || head != old_head)
        :: else ->
           if
           :: atomic { head == old_head -> head = old_head + padding + span }; break
           :: head != old_head
           fi
        fi
     od;
     seen_tail = 0;
     if
     :: padding > 0 ->
        atomic {
          check_zero(thread, old_head % CELLS);
          store(thread, old_head % CELLS, PADDING, COMMIT_IS_RELEASE)
        }
     :: else
     fi;
     d_step {
       old_head = (old_head + padding) % CELLS;
       padding = 0
     }
     if
     :: span == 2 ->
        atomic {
          check_zero(thread, old_head + 1);
          store(thread, old_head + 1, PAYLOAD, 0)
        }
     :: else
     fi;
     atomic {
       check_zero(thread, old_head);
       store(thread, old_head, RECORD(thread, number, span - 1), COMMIT_IS_RELEASE);
       number++;
       old_head = 0;
       span = 0
     }
  :: else -> break
  od
}

proctype consumer() {
  byte position;
  byte drained; /* the tail, as last stored */
  byte count;
  byte last[PRODUCERS];
  byte word;
  byte payload;
  byte scan;
  do
  :: count < TOTAL ->
     /* There is nothing to do before there is a word; when it is there, our own zero has reached memory. */
     (memory[position % CELLS] != 0);
     /* One drain: some records, then the tail moves once. */
     do
     :: load(CONSUMER, position % CELLS, word);
        if
        :: word == PADDING ->
           atomic {
             store(CONSUMER, position % CELLS, 0, 0);
             position = position + CELLS - position % CELLS
           }
        :: word > PADDING ->
           atomic {
             assert((word >> 3) == last[(word >> 1) & 1] + 1);
             last[(word >> 1) & 1] = word >> 3;
             count++
           }
           if
           :: (word >> 2) & 1 ->
              atomic {
                load(CONSUMER, position % CELLS + 1, payload);
                assert(payload == PAYLOAD);
                payload = 0
              }
#ifndef ZERO_HEADERS_ONLY
              store(CONSUMER, position % CELLS + 1, 0, 0)
#endif
           :: else
           fi;
           atomic {
             store(CONSUMER, position % CELLS, 0, 0);
             position = position + 1 + ((word >> 2) & 1)
           }
        :: word == 0 -> break
        fi
     :: position != drained -> break
     od;
     word = 0;
     if
     :: position != drained ->
        atomic {
          store(CONSUMER, TAIL, position, TAIL_IS_RELEASE);
          drained = position
        }
     :: else
     fi
  :: else -> break
  od
}

init {
  byte thread;
  atomic {
    do
    :: thread < PRODUCERS -> run producer(thread); run store_buffer(thread); thread++
    :: else -> break
    od;
    run consumer();
    run store_buffer(CONSUMER)
  }
}
