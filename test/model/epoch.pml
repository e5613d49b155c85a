/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoch.pml - restart of a service, of its client, or of both, at any moment (docs/decisions/0024): what libs/ring,
 * libs/svc and a connector do
 *
 * A client writes values to one place of a medium through a service and its device, each after the answer to the one
 * before. The service may die between any two steps, also while it is being restarted; its device may still finish
 * what it was given, until the connector has made it quiet. The client may die, too; the connector then has its
 * connection closed, which drains it, and makes a new one with fresh memory. Notifications are the connector's, so a
 * signal outlives the process that it was for. The service may send a record without a request, as xenstore sends
 * events; so the next life writes where the client is about to read an answer of the last one.
 *
 * An index word is epoch * WORD + index. Indices count records. A record of the service is two cells, which are copied
 * one by one. An atomic step has at most one access to what the other side uses at that time.
 * Wishes and sleep are in ring.pml; here everything is signalled. Stores take effect in order, as on x86.
 *
 * Shows: no request is taken in another epoch than that in which it was sent, no value lands on a newer one, an answer
 * is true when it is heard, and all requests are answered in the end: a run in which the client waits for good is
 * reported as an invalid end state.
 *
 * Variants, each of which must be found wrong:
 * NO_EPOCH_IN_WORDS NO_SECOND_LOOK NO_REPETITION NO_SIGNAL NO_QUIET_DEVICE NO_DRAIN NO_NEW_EPOCH
 */
#define SERVICE_DEATHS 2
#define CLIENT_DEATHS 1
#define REQUESTS 2 /* of one life of the client */
#define PLACES 2   /* in a ring */
#define WORD 16
#define EVENT 0 /* a record that answers nothing */

#define EPOCH(word) ((word) / WORD)
#define INDEX(word) ((word) % WORD)
#ifdef NO_EPOCH_IN_WORDS
#define OWN(word, epoch) true
#else
#define OWN(word, epoch) (EPOCH(word) == epoch)
#endif

/* The region. `sent` is not there: it says in which epoch of which connection a request was sent. */
byte req_prod, req_cons, rsp_prod, rsp_cons;
byte req_rec[PLACES], sent[PLACES];
byte rsp_head[PLACES], rsp_body[PLACES];

/* The two notifications. */
bool client_signal, service_signal;

/* The device: the value that it is writing, 0 if it is idle, and for which life of the service. */
byte writing, written, life;
byte medium;

/* What the connector has to do with both. */
bool service_alive, client_alive, client_done;
byte open_epoch; /* SVC_OPEN waits for the service: epoch + 1 */
bool opened, close_asked, closed;
byte service_deaths, client_deaths;
/* Which connection this is; each life of the client has its own. */
byte connection;

#define TAG(epoch) (connection * WORD + (epoch))

/* ---- the device ------------------------------------------------------------------------------------------------ */
proctype device()
{
end:	do
	:: atomic { writing ->
			assert(writing >= medium); /* no value lands on a newer one */
			medium = writing;
			written = writing;
			writing = 0;
			service_signal = true }
	od
}

/* ---- the service ----------------------------------------------------------------------------------------------- */
#define SERVICE_MAY_DIE \
	if \
	:: service_deaths < SERVICE_DEATHS -> goto dead \
	:: true \
	fi

inline respond(value)
{
	rsp_head[rsp_index % PLACES] = value;
	rsp_body[rsp_index % PLACES] = value;
	atomic { rsp_index++; rsp_prod = epoch * WORD + rsp_index }
	client_signal = true
}

proctype service()
{
	byte epoch, req_index, rsp_index, word;
	bool open, busy;

start:	atomic { service_alive; open = false; busy = false; epoch = 0; req_index = 0; rsp_index = 0; word = 0 }
end:	do
	:: open_epoch && !open ->
		atomic { epoch = open_epoch - 1; req_index = 0; rsp_index = 0; open = true }
		SERVICE_MAY_DIE;
		req_cons = epoch * WORD;
		SERVICE_MAY_DIE;
		rsp_prod = epoch * WORD;
		SERVICE_MAY_DIE;
#ifndef NO_SIGNAL
		client_signal = true;
#endif
		service_signal = true; /* it looks for records itself */
		if
		:: respond(EVENT)
		:: true
		fi;
		SERVICE_MAY_DIE;
		atomic { open_epoch = 0; opened = true }
	:: close_asked && open && !busy ->
		atomic { open = false; close_asked = false; closed = true }
#ifdef NO_DRAIN
	:: atomic { close_asked && open && busy -> busy = false; open = false; close_asked = false; closed = true }
#endif
	:: atomic { open && busy && written -> busy = false; word = written; written = 0 }
		SERVICE_MAY_DIE;
		respond(word);
		word = 0
	:: open && !busy && service_signal && !close_asked ->
		service_signal = false;
		word = req_prod;
		if
		:: OWN(word, epoch) && INDEX(word) != req_index ->
			atomic {
				word = req_rec[req_index % PLACES];
				assert(sent[req_index % PLACES] == TAG(epoch)); /* of this epoch */
				writing = word; /* to the device, in the life that is now */
				word = 0;
				busy = true;
				req_index++
			}
			req_cons = epoch * WORD + req_index
		:: else -> word = 0
		fi
	:: service_deaths < SERVICE_DEATHS -> goto dead
	od;
dead:	atomic { service_deaths++; service_alive = false }
	goto start
}

/* ---- the client ------------------------------------------------------------------------------------------------ */
#define CLIENT_MAY_DIE \
	if \
	:: client_deaths < CLIENT_DEATHS -> goto dead \
	:: true \
	fi

/* A request without an answer is sent, for the first time or again. */
inline request_send()
{
	if
	:: atomic { req_index < WORD - 1 -> req_rec[req_index % PLACES] = value; sent[req_index % PLACES] = TAG(epoch) }
		atomic { req_index++; req_prod = epoch * WORD + req_index }
		service_signal = true
	:: else
	fi
}

proctype client()
{
	byte epoch, req_index, rsp_index, peer, head, body, value, left;

start:	atomic {
		client_alive;
		epoch = 0; req_index = 0; rsp_index = 0; peer = 0; head = 0; body = 0;
		left = REQUESTS;
		value = connection * REQUESTS + 1
	}
	request_send();
	do
	:: atomic { client_signal -> client_signal = false }
		/* the loop looks for a new epoch before the handler */
		if
		:: atomic { EPOCH(rsp_prod) > epoch -> epoch = EPOCH(rsp_prod); req_index = 0; rsp_index = 0; peer = 0 }
			req_prod = epoch * WORD;
			CLIENT_MAY_DIE;
			rsp_cons = epoch * WORD;
#ifndef NO_REPETITION
			request_send()
#endif
		:: else
		fi;
		/* the handler: as many records as there are */
		do
		:: if
		   :: atomic { peer == rsp_index && OWN(rsp_prod, epoch) -> peer = INDEX(rsp_prod) }
		   :: else
		   fi;
		   CLIENT_MAY_DIE;
		   if
		   :: peer == rsp_index -> break
		   :: else
		   fi;
		   head = rsp_head[rsp_index % PLACES];
		   body = rsp_body[rsp_index % PLACES];
#ifndef NO_SECOND_LOOK
		   if
		   :: atomic { EPOCH(rsp_prod) > epoch -> head = 0; body = 0 }
			break
		   :: else
		   fi;
#endif
		   assert(head == body); /* a whole record */
		   atomic { rsp_index++; rsp_cons = epoch * WORD + rsp_index }
		   if
		   :: head == EVENT
		   :: else ->
			assert(head == value); /* one answer for each request */
			assert(medium == value); /* and it is true */
			atomic { left--; value++; head = 0; body = 0 }
			if
			:: left -> request_send()
			:: else -> goto done
			fi
		   fi;
		   atomic { head = 0; body = 0 }
		od
	:: client_deaths < CLIENT_DEATHS -> goto dead
	od;
done:	client_done = true;
end:	false;
dead:	atomic { client_deaths++; client_alive = false }
	goto start
}

/* ---- the connector --------------------------------------------------------------------------------------------- */
proctype connector()
{
	byte epoch;
	bool connected;

	service_alive = true;
end:	do
	:: !service_alive ->
		/* nothing of the last life remains: its device, what it was asked */
#ifndef NO_QUIET_DEVICE
		atomic { writing = 0; written = 0 }
#endif
		atomic { open_epoch = 0; opened = false; close_asked = false; closed = false; service_alive = true }
		if
		:: connected ->
#ifndef NO_NEW_EPOCH
			epoch++;
#endif
			open_epoch = epoch + 1;
			if
			:: opened -> opened = false
			:: !service_alive
			fi
		:: else
		fi
	:: service_alive && !client_alive ->
		if
		:: connected ->
			close_asked = true;
			if
			:: closed -> closed = false; connected = false
			:: !service_alive -> goto end /* its next life gets the connection, and closes it */
			fi
		:: else
		fi;
		atomic {
			/* fresh memory, and a new number */
			req_prod = 0; req_cons = 0; rsp_prod = 0; rsp_cons = 0;
			req_rec[0] = 0; req_rec[1] = 0; rsp_head[0] = 0; rsp_head[1] = 0; rsp_body[0] = 0; rsp_body[1] = 0;
			sent[0] = 0; sent[1] = 0;
			epoch = 0;
			connection = client_deaths;
			client_signal = false;
			open_epoch = 1
		}
		if
		:: opened -> opened = false; connected = true; client_alive = true
		:: !service_alive
		fi
	od
}

init {
	atomic {
		run device();
		run service();
		run client();
		run connector()
	}
}
