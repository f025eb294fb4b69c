/* The feed and the lease: does a verifier accept anything later than L after the answer to a revocation?
 *
 * One user with one session and one role, one node that changes things, one verifier with a table of its own, a durable
 * store of accounts, messages that are lost or late, clocks that drift. Time is
 * counted in ticks; a step may take any number of them. A store that is down is one whose next answer never comes, so
 * every step that asks one may be left out, for as long as the run lasts.
 *
 *     writer ──► accounts: session ended?  user's version   feed 1 … head, a hash each   incarnation
 *                    │ entries, by push or by asking          │ renewal: a write, answers the head
 *                    ▼                                        ▼
 *                verifier: table {revoked, user's version}, applied position, valid_until
 *                    ▲ fill: on a miss, read from the store, inserted later
 *     one request, sent at some time
 *
 * Proved (`accept`): no request that is sent L = LEASE + DRIFT or more after the answer to the end of a session, to a
 * change of roles, or to a restore sees the state before it. A sessions store that fell
 * back to an older state says yes to everything, so it is not asked here: what it says must not matter.
 *
 *     -DRESTORE    the installation is restored from a backup: another incarnation
 *     -DFAILOVER   the store falls over to a standby that lacks the last entry: the same incarnation, a fork. What the
 *                  lost change promised is lost with it; what is changed and answered afterwards must hold. The
 *                  primary that was left behind takes no writes any more, and may be read until the verifier's own next
 *                  write reaches the new one: how it is fenced is the operator's
 *
 * An entry's hash covers all before it, so it is one number here: no two entries that were ever written have the same.
 * The mutants (MUTANT_…), each with one rule of the design left out, must fail.
 */
#ifndef LEASE
#define LEASE 2
#endif
#ifndef DRIFT
#define DRIFT 1 /* ticks by which the verifier's clock may fall behind, over the whole run */
#endif
#ifndef END
#define END 5 /* ticks in a run */
#endif
#ifdef MUTANT_SHORTER_BOUND
#define SHOWN (LEASE + DRIFT - 1)
#else
#define SHOWN (LEASE + DRIFT) /* L */
#endif
#ifdef FAILOVER
#define EVENTS 3
#else
#define EVENTS 2
#endif
#define PAST(answered) (answered != NEVER && now >= answered + SHOWN)
#define NEVER 255

mtype = { session_end, user_change, all_end };

byte now, clock, lag; /* true time; the verifier's clock, and how far it has fallen behind */

/* The accounts store. */
byte incarnation = 1, head;
mtype feed[EVENTS + 1];
byte hash[EVENTS + 1], written; /* of an entry; entries ever written */
bool ended;         /* the session */
byte version = 1;   /* of the user: what it may */
byte replica;       /* the head as a standby knows it */

/* When a change was answered; NEVER: not yet. */
byte end_at = NEVER, user_at = NEVER;

/* The verifier's table. */
bool revoked;                 /* the session, in the revocation set */
byte cached;                  /* the user's version; 0: not in the table */
byte applied, applied_in = 1; /* feed position: number and incarnation, */
byte mine[EVENTS + 1];        /* and the hashes of the entries up to there */
byte touched;                 /* changes applied here that concerned the user */
byte valid_until = LEASE;     /* it has just been filled, and leased */
#ifdef FAILOVER
byte store_until = LEASE; /* until when the store that is asked is believed: it has just taken a write */
bool behind;              /* there is a primary that was left behind, and what it says: */
bool old_ended;
byte old_version;
#endif

byte sent_at;
bool judged; /* nothing that comes later matters */

#ifdef MUTANT_INCARNATION
#define SAME_INCARNATION(of) true
#else
#define SAME_INCARNATION(of) (applied_in == of)
#endif
#ifdef MUTANT_HASH
#define SAME_ENTRY true
#define SAME_ANSWER true
#else
#define SAME_ENTRY (mine[applied] == hash[applied])
#define SAME_ANSWER (mine[answered] == answered_hash)
#endif
/* Is our position one of the store's? */
#define PLACED (SAME_INCARNATION(incarnation) && applied <= head && SAME_ENTRY)
#define UP_TO_DATE (applied >= answered && SAME_INCARNATION(answered_in) && SAME_ANSWER)
#ifdef MUTANT_LEASE_FIRST
#undef UP_TO_DATE
#define UP_TO_DATE (true)
#endif

#ifdef MUTANT_TRUST_SESSIONS
#define STANDS true
#else
#define STANDS (!ended)
#endif

#ifdef MUTANT_OLD_PRIMARY
#define STORE_BELIEVED true
#else
#define STORE_BELIEVED (clock < store_until)
#endif

inline accept(seen_version)
{
    assert(!(end_at != NEVER && sent_at >= end_at + SHOWN));
    assert(!(user_at != NEVER && seen_version < version && sent_at >= user_at + SHOWN))
}

inline append(what)
{
    head++;
    written++;
    feed[head] = what;
    hash[head] = written
}

active proctype Time() provided (!judged)
{
    do
    :: atomic { now < END ->
        now++;
        if
        :: lag < DRIFT -> lag++
        :: clock++
        fi }
    od
}

/* A change, its feed entry and its commit are one step; the answer is a later one. */
active proctype Writer() provided (!judged)
{
    do
    :: atomic { !ended && head < EVENTS -> ended = true; append(session_end) }
        d_step { if
            :: ended -> end_at = now
            :: else /* lost meanwhile: answered, and not kept */
            fi }
    :: atomic { version == 1 && head < EVENTS -> version = 2; append(user_change) }
        d_step { if
            :: version == 2 -> user_at = now
            :: else
            fi }
    od
}

#ifdef MUTANT_REPLICA
active proctype Standby() provided (!judged)
{
    do
    :: atomic { replica < head -> replica++ }
    od
}
#endif

#ifdef RESTORE
/* The installation is restored from a backup of its first moment: a new incarnation, all sessions ended. What the lost
 * changes promised is lost with them; what the restore itself ends must stay so. */
active proctype Restore() provided (!judged)
{
    atomic { head > 0 -> incarnation++; head = 0; append(all_end); ended = true; version = 3; user_at = NEVER;
        end_at = NEVER }
    atomic { end_at = now; user_at = now }
}
#endif

#ifdef FAILOVER
/* To a standby that had not been told the last entry. */
active proctype Failover() provided (!judged)
{
    atomic { head > 0 ->
        behind = true; old_ended = ended; old_version = version;
        if
        :: feed[head] == session_end -> ended = false; end_at = NEVER
        :: else -> version = 1; user_at = NEVER
        fi;
        feed[head] = 0; hash[head] = 0; head-- }
}
#endif

/* A request that is sent when the bound has passed: earlier ones may see either state. The verifier reads the request,
 * then the clock, then the table. */
active proctype Request()
{
    byte seen;
    if
    :: atomic { PAST(end_at) || PAST(user_at) -> 
        sent_at = now;
        if
        :: clock < valid_until -> skip
        :: else -> goto unleased
        fi }
    fi;
    seen = cached;
    if
    :: d_step { seen != 0 && !revoked -> accept(seen) }
    :: else /* refused, or not known */
    fi;
    goto end;
unleased: /* ask the stores, or answer 503 */
    if
    :: d_step { STANDS -> accept(version) }
#ifdef FAILOVER
    :: d_step { behind && STORE_BELIEVED && !old_ended -> accept(old_version) }
#endif
    :: else
    fi;
end:
    judged = true
}

/* A miss: mark, then store, then table, each a step of its own, any time between them; table.pml looks closer. */
active proctype Filler() provided (!judged)
{
    byte at, read;
    do
    :: cached == 0 ->
        at = touched;
        read = version;
        d_step {
            if
#ifdef MUTANT_FILL_RACE
            :: cached = read
#else
            :: touched == at -> cached = read
            :: else
#endif
            fi;
            at = 0; read = 0 }
    od
}

/* Entries reach the verifier by push or by asking, late or not at all, but never past a gap: entry n + 1 after n, and
 * only where entry n is still the one it has applied. From another incarnation than its own, or from a store in which
 * its position is not, it takes nothing: it empties its memory and begins anew from one committed state. */
active proctype Applier() provided (!judged)
{
    do
    :: atomic {
        PLACED && applied < head ->
#ifdef MUTANT_GAP
        applied = head;
#else
        applied++;
#endif
        mine[applied] = hash[applied];
        if
        :: feed[applied] == user_change -> cached = 0; touched++
        :: feed[applied] == session_end -> revoked = true
        :: else /* a restore's entry says nothing by itself: its incarnation does */
        fi }
    :: atomic { !PLACED ->
        revoked = ended; cached = 0; applied = head; applied_in = incarnation; touched++;
        byte i;
        for (i : 0 .. EVENTS) { mine[i] = (i <= head -> hash[i] : 0) }
        i = 0 }
    od
}

/* The clock is read before the question; the answer counts once everything up to its position is applied. */
active proctype Renewer() provided (!judged)
{
    byte asked, answered, answered_in, answered_hash;
    do
    ::
#ifndef MUTANT_LATE_CLOCK
        asked = clock;
#endif
        d_step { answered_in = incarnation;
#ifdef MUTANT_REPLICA
            answered = replica;
#else
            answered = head;
#endif
#ifdef FAILOVER
            store_until = (asked + LEASE > store_until -> asked + LEASE : store_until);
            behind = false; /* fenced, by the time that we write elsewhere */
#endif
            answered_hash = hash[answered] }
#ifdef MUTANT_LATE_CLOCK
        asked = clock;
#endif
        if
        :: d_step { UP_TO_DATE -> valid_until = asked + LEASE; asked = 0; answered = 0; answered_in = 0; answered_hash = 0 }
        :: d_step { asked = 0; answered = 0; answered_in = 0; answered_hash = 0 }
        fi
    od
}
