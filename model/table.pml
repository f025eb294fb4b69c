/* The writers of one verification table: can a record that was read earlier be put over a later one?
 *
 * One user's record, whose version grows with each change; a store; the table of one node. Three bring the record to
 * the table, each some time after the store: the committer what it has committed, the follower what the journal's rows
 * up to some row say, and whoever read it on a miss. What each does at the table is one step (the keeper's lock).
 *
 *     mark = count            the number of the last change that the table heard of
 *     ask the store           commit a change | read rows and record of one moment | read the record
 *     at the table:           has anybody else changed the record since the mark?
 *                                 a fill: drop it.  committer, follower: which is later nobody knows: take it out
 *                             else put it; count it as a change (a fill is none)
 *
 * Proved, of a table whose record is there (cached != 0):
 *     followed   it is no older than row `applied`: so a lease that counts up to there is honest (lease.pml)
 *     answered   it is no older than the last change of this very node that was answered
 * The mutants (MUTANT_…) must fail.
 */
#ifndef ROWS
#define ROWS 3
#endif

byte head;     /* rows of the journal; each is a change of the user, whose version is head + 1 */
byte cached;   /* the version in the table; 0: not there */
byte applied;  /* the follower's position */
byte answered; /* version that this node's last answered change made */

/* What the table has heard of: changes, and the last of each source. */
byte count, by_committer, by_follower;

#define HONEST assert(cached == 0 || (cached >= applied + 1 && cached >= answered))

#ifdef MUTANT_FILL
#define NOT_SINCE_FILL true
#else
#define NOT_SINCE_FILL (by_committer <= mark && by_follower <= mark)
#endif
#ifdef MUTANT_COMMITTER
#define NO_FOREIGN_SINCE true
#else
#define NO_FOREIGN_SINCE (by_follower <= mark)
#endif
#ifdef MUTANT_FOLLOWER
#define NO_OWN_SINCE true
#else
#define NO_OWN_SINCE (by_committer <= mark)
#endif
/* Marks that are taken when the store has been asked. */
#ifdef MUTANT_LATE_MARK_FILL
#define MARK_FILL_BEFORE skip
#define MARK_FILL_AFTER mark = count
#else
#define MARK_FILL_BEFORE mark = count
#define MARK_FILL_AFTER skip
#endif
#ifdef MUTANT_LATE_MARK
#define MARK_BEFORE skip
#define MARK_AFTER mark = count
#else
#define MARK_BEFORE mark = count
#define MARK_AFTER skip
#endif
/* In doubt it stays as it is: what is there was brought last. */
#ifdef MUTANT_KEEP
#define IN_DOUBT skip
#else
#define IN_DOUBT cached = 0
#endif

active proctype Other() /* nodes */
{
    do
    :: atomic { head < ROWS -> head++ }
    :: break
    od
}

active proctype Committer()
{
    byte mark, mine;
    do
    :: head < ROWS ->
        MARK_BEFORE;
        if
        :: d_step { head < ROWS -> head++; mine = head + 1 }
        :: head >= ROWS -> break
        fi;
        MARK_AFTER;
        d_step {
            if
            :: NO_FOREIGN_SINCE -> cached = mine
            :: else -> IN_DOUBT
            fi;
            count++;
            by_committer = count;
            mark = 0;
            HONEST }
        d_step { answered = mine; mine = 0; HONEST }
    :: break
    od
}

active proctype Follower()
{
    byte mark, to;
    do
    :: applied < head ->
        MARK_BEFORE;
        to = head; /* rows and record in one READ */
        MARK_AFTER;
        d_step {
            if
            :: NO_OWN_SINCE -> cached = to + 1
            :: else -> IN_DOUBT
            fi;
            count++;
            by_follower = count;
            applied = to;
            mark = 0;
            to = 0;
            HONEST }
    :: break
    od
}

proctype Filler()
{
    byte mark, read, times;
    do
    :: cached == 0 && times < 2 ->
        times++;
        MARK_FILL_BEFORE;
        read = head + 1;
        MARK_FILL_AFTER;
        d_step {
            if
            :: cached != 0 /* somebody was faster; and one of two fills may well be the older */
            :: cached == 0 && NOT_SINCE_FILL -> cached = read
            :: else
            fi;
            mark = 0;
            read = 0;
            HONEST }
    :: break
    od
}

/* Room is made for others at any time. */
active proctype Eviction()
{
    byte times;
    do
    :: times < 1 -> times++; cached = 0
    :: break
    od
}

#ifndef FILLERS
#define FILLERS 1
#endif
init { atomic { run Filler(); if :: FILLERS > 1 -> run Filler() :: else fi } }
