/* The sleep protocol of bridge/src/queue.c: no wake-up is ever lost.
 *
 * Each thread's stores to what another thread reads go through a store buffer of its own that reaches memory
 * later, in order; a fence waits until it is empty. (Commits are release stores, so they stay in order on a
 * weaker machine, too.) No thread loads a location that itself stores to but by exchange, so that loads need
 * not look into the buffer.
 *
 * A lost wake-up is a consumer that waits for the event for ever: an invalid end state. Broken variants, each
 * of which must have one: -DNO_PRODUCER_FENCE, -DNO_CONSUMER_FENCE, -DLOOK_BEFORE_SLEEPING. */

#define PRODUCERS 2
#define RECORDS 2 /* of each producer */
#define TOTAL (PRODUCERS * RECORDS)
#define SLEEPING TOTAL /* addresses 0 to TOTAL - 1 are the records' states */
#define CONSUMER PRODUCERS

byte memory[TOTAL + 1];
chan buffer[PRODUCERS + 1] = [3] of { byte, byte };
byte head;          /* the next record to reserve; only ever changed by compare-and-swap */
byte event;         /* the eventfd's counter */
byte sleep_count;   /* how often the consumer said that it sleeps */
byte wake_count;    /* how often it was woken */
byte other_wakes = 1; /* the wait may also end for another reason: a timer, another descriptor */

inline store(thread, address, value) {
  buffer[thread]!address,value
}

inline fence(thread) {
  empty(buffer[thread])
}

proctype store_buffer(byte thread) {
  byte address;
  byte value;
end_nothing_stored:
  do
  :: atomic { buffer[thread]?address,value -> memory[address] = value }
  od
}

proctype producer(byte thread) {
  byte count;
  byte record;
  bool is_batch_begun;
  bool is_asleep;
  do
  :: count < RECORDS ->
     /* A batch: one or more commits, then one look. */
     is_batch_begun = false;
     do
     :: count < RECORDS ->
        atomic { record = head; head++ }
        store(thread, record, 1);
        count++;
        is_batch_begun = true
     :: is_batch_begun -> break
     od;
#ifndef NO_PRODUCER_FENCE
     fence(thread);
#endif
     if
     :: memory[SLEEPING] == 1 ->
        atomic { empty(buffer[thread]) -> is_asleep = memory[SLEEPING]; memory[SLEEPING] = 0 }
        if
        :: is_asleep -> atomic { event++; wake_count++; assert(wake_count <= sleep_count) }
        :: else
        fi
     :: else
     fi
  :: else -> break
  od
}

proctype consumer() {
  byte position;
  bool is_empty;
  do
  :: position < TOTAL && memory[position] == 1 -> position++
  :: position == TOTAL -> break
  :: position < TOTAL && memory[position] == 0 ->
#ifdef LOOK_BEFORE_SLEEPING
     is_empty = memory[position] == 0;
#endif
     atomic { store(CONSUMER, SLEEPING, 1); sleep_count++ }
#ifndef NO_CONSUMER_FENCE
     fence(CONSUMER);
#endif
#ifndef LOOK_BEFORE_SLEEPING
     is_empty = memory[position] == 0;
#endif
     if
     :: is_empty ->
        /* The wait. */
        if
        :: atomic { event > 0 -> event = 0 }
        :: atomic { other_wakes > 0 -> other_wakes-- }
        fi;
        atomic { empty(buffer[CONSUMER]) -> memory[SLEEPING] = 0 }
     :: else -> store(CONSUMER, SLEEPING, 0)
     fi
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
