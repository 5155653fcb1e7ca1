/* Stepping a state by many tactics: see stepping.py. What is remembered of a step is the next state's key, None where
 * the proof is finished, or the Rejected; states are made of keys when they are asked for. */
#include <stddef.h>

#include "native.h"
#include <structmember.h>

/* -- states ------------------------------------------------------------------------------------------------------- */

static Handle *make_handle(PyTypeObject *type, PyObject *session, PyObject *key, int32_t num_goals, int32_t num_metas)
{
    Handle *h = (Handle *)type->tp_alloc(type, 0);
    if (h == NULL)
        return NULL;
    h->session = Py_NewRef(session);
    h->key = Py_NewRef(key);
    h->num_goals = num_goals;
    h->num_metas = num_metas;
    h->focus = num_goals == 1 ? 0 : -1;
    return h;
}

static PyObject *Handle_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"session", "key", "num_metas", NULL};
    PyObject *session, *key;
    int num_metas;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO!i", names, &session, &PyBytes_Type, &key, &num_metas))
        return NULL;
    if (PyBytes_GET_SIZE(key) < (Py_ssize_t)sizeof(int32_t)) {
        PyErr_SetString(PyExc_ValueError, "a key begins with the number of goals");
        return NULL;
    }
    return (PyObject *)make_handle(type, session, key, *(const int32_t *)PyBytes_AS_STRING(key), num_metas);
}

static void Handle_dealloc(Handle *h)
{
    Py_XDECREF(h->session);
    Py_XDECREF(h->key);
    Py_XDECREF(h->opened);
    Py_TYPE(h)->tp_free((PyObject *)h);
}

static PyMemberDef Handle_members[] = {
    {"session", T_OBJECT_EX, offsetof(Handle, session), READONLY, NULL},
    {"key", T_OBJECT_EX, offsetof(Handle, key), READONLY, NULL},
    {"num_goals", T_INT, offsetof(Handle, num_goals), READONLY, NULL},
    {"num_metas", T_INT, offsetof(Handle, num_metas), READONLY, NULL},
    {"_focus", T_INT, offsetof(Handle, focus), 0, NULL},
    {"_opened", T_OBJECT, offsetof(Handle, opened), 0, NULL},
    {NULL},
};

PyTypeObject HandleType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Handle",
    .tp_basicsize = sizeof(Handle),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "What a state is made of; see proofsearch_metamath.search.state.",
    .tp_new = Handle_new,
    .tp_dealloc = (destructor)Handle_dealloc,
    .tp_members = Handle_members,
};

/* -- steps -------------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Terms *terms;
    Unifier *unifier;
    Combiner *combiner;
    PyObject *applications; /* stepping.Applications */
    PyObject *known;        /* its applications, by skeleton and tactic */
    PyObject *numbers;      /* the assertions' numbers, by label */
    PyObject *patterns;     /* what was read of them, by number */
    PyObject *allowed;      /* which may be cited: bit i of the bytes */
    PyTypeObject *state_type, *advanced;
    PyObject *finished, *rejected, *does_not_unify;
    /* The state stepped last: what it is, what came of its steps, what is known of its first goal. */
    PyObject *key, *stepped, *applied;
    const int32_t *key_at, *key_end;
    int32_t num_metas, focus, skeleton;
} Stepper;

/* What is known of applying tactics to a goal. A reference of the caller's. */
static PyObject *applied_to(Stepper *s, int32_t skeleton)
{
    PyObject *number = PyLong_FromLong(skeleton);
    if (number == NULL)
        return NULL;
    PyObject *applied = Py_XNewRef(PyDict_GetItemWithError(s->known, number));
    if (applied == NULL && !PyErr_Occurred() && (applied = PyDict_New()) != NULL &&
        PyDict_SetItem(s->known, number, applied) < 0)
        Py_CLEAR(applied);
    Py_DECREF(number);
    if (applied != NULL && !PyDict_Check(applied)) {
        PyErr_SetString(PyExc_TypeError, "what is known of a goal is a dictionary");
        Py_CLEAR(applied);
    }
    return applied;
}

/* Has the Python class choose which goal comes first, where it has not yet. */
static int choose_focus(PyObject *state)
{
    Handle *h = (Handle *)state;
    if (h->focus < 0) {
        PyObject *focus = PyObject_GetAttrString(state, "focus");
        if (focus == NULL)
            return -1;
        Py_DECREF(focus);
    }
    if (h->focus < 0)
        PyErr_SetString(PyExc_ValueError, "the state has no such goal");
    return h->focus < 0 ? -1 : 0;
}

/* Makes a state the one whose steps are remembered. */
static int turn_to(Stepper *s, PyObject *state)
{
    if (!PyObject_TypeCheck(state, &HandleType)) {
        PyErr_Format(PyExc_TypeError, "no state of the compiled kind: %.100s", Py_TYPE(state)->tp_name);
        return -1;
    }
    Handle *h = (Handle *)state;
    if (s->key == h->key && s->num_metas == h->num_metas)
        return 0;
    if (choose_focus(state) < 0)
        return -1;
    const int32_t *end, *at = key_begin(s->terms, h->key, &end);
    if (at == NULL)
        return -1;
    if (h->focus >= *at || h->num_metas < 0 || h->num_metas > INT32_MAX / 2) {
        PyErr_SetString(PyExc_ValueError, "the state has no such goal");
        return -1;
    }
    const int32_t *goal = at + 1;
    for (int32_t i = 0; i < h->focus; i++)
        goal = key_goal_end(s->terms, goal, end);
    PyObject *stepped = PyDict_New(), *applied = stepped == NULL ? NULL : applied_to(s, *goal);
    if (applied == NULL) {
        Py_XDECREF(stepped);
        return -1;
    }
    Py_XSETREF(s->key, Py_NewRef(h->key));
    Py_XSETREF(s->stepped, stepped);
    Py_XSETREF(s->applied, applied);
    s->key_at = at;
    s->key_end = end;
    s->num_metas = h->num_metas;
    s->focus = h->focus;
    s->skeleton = *goal;
    return 0;
}

/* Whether an assertion may be cited. */
static int may_cite(const Stepper *s, Py_ssize_t number)
{
    return number >= 0 && number / 8 < PyBytes_GET_SIZE(s->allowed) &&
           ((const unsigned char *)PyBytes_AS_STRING(s->allowed))[number / 8] >> (number % 8) & 1;
}

/* The Rejected for the error that is set, if that is a term grown too large. */
static PyObject *too_large(Stepper *s)
{
    if (!PyErr_ExceptionMatches(TermTooLargeError))
        return NULL;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyObject *message = PyUnicode_FromFormat("too large: %S", error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    PyObject *rejected = message == NULL ? NULL : PyObject_CallOneArg(s->rejected, message);
    Py_XDECREF(message);
    return rejected;
}

/* Applying a tactic to a goal: an Application, or the Rejected. A reference of the caller's. */
static PyObject *make_application(Stepper *s, int32_t skeleton, PyObject *tactic)
{
    static PyObject *name;
    if (name == NULL && (name = PyUnicode_InternFromString("compiled")) == NULL)
        return NULL;
    PyObject *number = PyDict_GetItemWithError(s->numbers, tactic);
    PyObject *pattern = number == NULL || !may_cite(s, PyLong_AsSsize_t(number))
                            ? NULL
                            : PyDict_GetItemWithError(s->patterns, number);
    PyObject *read = pattern == NULL ? NULL : PyObject_GetAttr(pattern, name);
    if (PyErr_Occurred())
        return NULL;
    if (read == NULL || !PyObject_TypeCheck(read, &PatternType)) { /* a hypothesis, or nothing that is known yet */
        Py_XDECREF(read);
        return PyObject_CallMethod(s->applications, "make", "iO", skeleton, tactic);
    }
    PyObject *made = unifier_apply(s->unifier, skeleton, (Pattern *)read);
    Py_DECREF(read);
    if (made == NULL)
        return too_large(s);
    if (made == Py_None)
        Py_SETREF(made, Py_NewRef(s->does_not_unify));
    return made;
}

/* The same, remembered in the dictionary of the goal, else made and remembered. The reference is borrowed. */
static PyObject *applied_by(Stepper *s, PyObject *applied, int32_t skeleton, PyObject *tactic)
{
    PyObject *application = PyDict_GetItemWithError(applied, tactic);
    if (application != NULL || PyErr_Occurred() || (application = make_application(s, skeleton, tactic)) == NULL)
        return application;
    int failed = PyDict_SetItem(applied, tactic, application);
    Py_DECREF(application); /* the dictionary has it */
    return failed ? NULL : application;
}

/* What came of a step: remembered, else made and remembered. The reference is borrowed. */
static PyObject *remembered(Stepper *s, PyObject *tactic)
{
    PyObject *made = PyDict_GetItemWithError(s->stepped, tactic);
    if (made != NULL || PyErr_Occurred())
        return made;
    PyObject *application = applied_by(s, s->applied, s->skeleton, tactic);
    if (application == NULL)
        return NULL;
    if (PyObject_TypeCheck(application, &ApplicationType)) {
        made = combiner_combine(s->combiner, s->key_at, s->key_end, s->num_metas, s->focus,
                                (const Application *)application);
        if (made == NULL)
            made = too_large(s);
        else if (PyUnicode_Check(made))
            Py_SETREF(made, PyObject_CallOneArg(s->rejected, made));
    } else {
        made = Py_NewRef(application);
    }
    if (made == NULL)
        return NULL;
    int failed = PyDict_SetItem(s->stepped, tactic, made);
    Py_DECREF(made);
    return failed ? NULL : made;
}

static int is_rejected(const Stepper *s, PyObject *made) { return made != Py_None && !PyBytes_Check(made); }

/* The outcome that is told of what is remembered. */
static PyObject *told(Stepper *s, PyObject *session, PyObject *made)
{
    static PyObject *name;
    if (made == Py_None)
        return Py_NewRef(s->finished);
    if (is_rejected(s, made))
        return Py_NewRef(made);
    const Terms *t = s->terms;
    const int32_t *at = (const int32_t *)PyBytes_AS_STRING(made), *goal = at + 1;
    int32_t num_metas = 0;
    for (int32_t i = 0; i < *at; i++) {
        int32_t n = t->num_metas[*goal++];
        for (; n > 0; n--, goal++)
            if (t->args_at[*goal] >= num_metas)
                num_metas = t->args_at[*goal] + 1;
    }
    if (name == NULL && (name = PyUnicode_InternFromString("state")) == NULL)
        return NULL;
    PyObject *outcome = s->advanced->tp_alloc(s->advanced, 0);
    PyObject *state = (PyObject *)make_handle(s->state_type, session, made, *at, num_metas);
    /* As the initialiser of a frozen dataclass does it. */
    if (outcome == NULL || state == NULL || PyObject_GenericSetAttr(outcome, name, state) < 0)
        Py_CLEAR(outcome);
    Py_XDECREF(state);
    return outcome;
}

static PyObject *Stepper_step(Stepper *s, PyObject *const *args, Py_ssize_t n)
{
    if (n != 3) {
        PyErr_SetString(PyExc_TypeError, "step(session, state, tactic)");
        return NULL;
    }
    PyObject *made = turn_to(s, args[1]) < 0 ? NULL : remembered(s, args[2]);
    return made == NULL ? NULL : told(s, args[0], made);
}

static PyObject *Stepper_admitted(Stepper *s, PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t wanted = n == 3 ? PyLong_AsSsize_t(args[2]) : -1;
    if (n != 3 || (wanted == -1 && PyErr_Occurred())) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "admitted(state, tactics, n)");
        return NULL;
    }
    PyObject *each = PyObject_GetIter(args[1]), *tactic, *places = each == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t place = 0; places != NULL && PyList_GET_SIZE(places) < wanted; place++) {
        if ((tactic = PyIter_Next(each)) == NULL)
            break;
        /* Always anew: what gives the tactics may step other states. */
        PyObject *made = turn_to(s, args[0]) < 0 ? NULL : remembered(s, tactic);
        Py_DECREF(tactic);
        if (made == NULL)
            break;
        if (is_rejected(s, made))
            continue;
        PyObject *number = PyLong_FromSsize_t(place);
        int failed = number == NULL || PyList_Append(places, number) < 0;
        Py_XDECREF(number);
        if (failed)
            break;
    }
    Py_XDECREF(each);
    if (PyErr_Occurred())
        Py_CLEAR(places);
    return places;
}

/* -- parts -------------------------------------------------------------------------------------------------------- */

/* The states that the groups of a state's goals make, that with the goal in focus first. */
static PyObject *made_apart(Stepper *s, PyObject *session, Handle *h, const int32_t *key, const int32_t *end,
                            const int32_t *first, int32_t groups)
{
    PyObject *parts = PyTuple_New(groups);
    int32_t leading = first[h->focus];
    Py_ssize_t place = 1;
    for (int32_t goal = 0; parts != NULL && goal < *key; goal++) {
        int32_t num_metas;
        if (first[goal] != goal)
            continue;
        PyObject *made = key_of_group(s->terms, key, end, first, goal, &num_metas);
        PyObject *part = NULL;
        if (made != NULL)
            part = (PyObject *)make_handle(s->state_type, session, made, *(const int32_t *)PyBytes_AS_STRING(made), num_metas);
        Py_XDECREF(made);
        if (part == NULL)
            Py_CLEAR(parts);
        else
            PyTuple_SET_ITEM(parts, goal == leading ? 0 : place++, part);
    }
    return parts;
}

/* parts(session, state) */
static PyObject *Stepper_parts(Stepper *s, PyObject *const *args, Py_ssize_t n)
{
    if (n != 2 || !PyObject_TypeCheck(args[1], &HandleType)) {
        PyErr_SetString(PyExc_TypeError, "parts(session, state): a state of the compiled kind");
        return NULL;
    }
    Handle *h = (Handle *)args[1];
    if (h->num_goals == 1)
        return PyTuple_Pack(1, args[1]);
    const int32_t *end, *key = key_begin(s->terms, h->key, &end);
    if (key == NULL)
        return NULL;
    int32_t *first = PyMem_Malloc((size_t)(end - key + 1) * sizeof(int32_t));
    if (first == NULL)
        return PyErr_NoMemory();
    PyObject *parts = NULL;
    int32_t groups = key_groups(s->terms, key, end, first);
    if (groups == 1)
        parts = PyTuple_Pack(1, args[1]);
    else if (groups > 1 && choose_focus(args[1]) == 0) {
        if (h->focus < *key)
            parts = made_apart(s, args[0], h, key, end, first, groups);
        else
            PyErr_SetString(PyExc_ValueError, "the state has no such goal");
    } else if (groups == 0)
        PyErr_SetString(PyExc_ValueError, "a state without goals has no parts");
    PyMem_Free(first);
    return parts;
}

/* -- the outcomes of many steps ----------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Stepper *stepper;
    PyObject *session, *state, *tactics;
} Outcomes;

static PyObject *Stepper_step_many(Stepper *s, PyObject *const *args, Py_ssize_t n)
{
    if (n != 3) {
        PyErr_SetString(PyExc_TypeError, "step_many(session, state, tactics)");
        return NULL;
    }
    PyObject *tactics = PyObject_GetIter(args[2]);
    Outcomes *outcomes = tactics == NULL ? NULL : PyObject_GC_New(Outcomes, &OutcomesType);
    if (outcomes == NULL) {
        Py_XDECREF(tactics);
        return NULL;
    }
    outcomes->stepper = (Stepper *)Py_NewRef(s);
    outcomes->session = Py_NewRef(args[0]);
    outcomes->state = Py_NewRef(args[1]);
    outcomes->tactics = tactics;
    PyObject_GC_Track(outcomes);
    return (PyObject *)outcomes;
}

static PyObject *Outcomes_next(Outcomes *o)
{
    PyObject *tactic = PyIter_Next(o->tactics);
    if (tactic == NULL)
        return NULL;
    PyObject *made = turn_to(o->stepper, o->state) < 0 ? NULL : remembered(o->stepper, tactic);
    Py_DECREF(tactic);
    return made == NULL ? NULL : told(o->stepper, o->session, made);
}

static int Outcomes_traverse(Outcomes *o, visitproc visit, void *arg)
{
    Py_VISIT(o->stepper);
    Py_VISIT(o->session);
    Py_VISIT(o->state);
    Py_VISIT(o->tactics);
    return 0;
}

static void Outcomes_dealloc(Outcomes *o)
{
    PyObject_GC_UnTrack(o);
    Py_XDECREF(o->stepper);
    Py_XDECREF(o->session);
    Py_XDECREF(o->state);
    Py_XDECREF(o->tactics);
    PyObject_GC_Del(o);
}

PyTypeObject OutcomesType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Outcomes",
    .tp_basicsize = sizeof(Outcomes),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "What comes of stepping a state by tactics, one after the other.",
    .tp_dealloc = (destructor)Outcomes_dealloc,
    .tp_traverse = (traverseproc)Outcomes_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)Outcomes_next,
};

/* -- for judging goals that stand alone --------------------------------------------------------------------------- */

/* What is known of applying tactics to a goal: a dictionary, a reference of the caller's. */
PyObject *stepper_applied(PyObject *stepper, int32_t skeleton) { return applied_to((Stepper *)stepper, skeleton); }

/* Whether a tactic applies to a goal, given what is known of it. */
int stepper_applies(PyObject *stepper, PyObject *applied, int32_t skeleton, PyObject *tactic)
{
    PyObject *application = applied_by((Stepper *)stepper, applied, skeleton, tactic);
    return application == NULL ? -1 : PyObject_TypeCheck(application, &ApplicationType);
}

/* -- for Python --------------------------------------------------------------------------------------------------- */

static PyObject *Stepper_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms",    "unifier",    "combiner", "applications", "known",    "numbers", "patterns",
                            "allowed", "state_type", "advanced", "finished",     "rejected",
                            "does_not_unify", NULL};
    PyObject *terms, *unifier, *combiner, *applications, *known, *numbers, *patterns, *allowed, *state_type, *advanced,
        *finished, *rejected, *does_not_unify;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!O!OO!O!O!O!O!O!OOO", names, &TermsType, &terms, &UnifierType,
                                     &unifier, &CombinerType, &combiner, &applications, &PyDict_Type, &known,
                                     &PyDict_Type, &numbers, &PyDict_Type, &patterns, &PyBytes_Type, &allowed,
                                     &PyType_Type, &state_type, &PyType_Type, &advanced, &finished, &rejected,
                                     &does_not_unify))
        return NULL;
    if (!PyType_IsSubtype((PyTypeObject *)state_type, &HandleType)) {
        PyErr_SetString(PyExc_TypeError, "states of the compiled kind are built on Handle");
        return NULL;
    }
    Stepper *s = (Stepper *)type->tp_alloc(type, 0);
    if (s == NULL)
        return NULL;
    s->terms = (Terms *)Py_NewRef(terms);
    s->unifier = (Unifier *)Py_NewRef(unifier);
    s->combiner = (Combiner *)Py_NewRef(combiner);
    s->applications = Py_NewRef(applications);
    s->known = Py_NewRef(known);
    s->numbers = Py_NewRef(numbers);
    s->patterns = Py_NewRef(patterns);
    s->allowed = Py_NewRef(allowed);
    s->state_type = (PyTypeObject *)Py_NewRef(state_type);
    s->advanced = (PyTypeObject *)Py_NewRef(advanced);
    s->finished = Py_NewRef(finished);
    s->rejected = Py_NewRef(rejected);
    s->does_not_unify = Py_NewRef(does_not_unify);
    return (PyObject *)s;
}

static int Stepper_traverse(Stepper *s, visitproc visit, void *arg)
{
    PyObject *held[] = {(PyObject *)s->unifier, (PyObject *)s->combiner, s->applications, s->known, s->stepped,
                        s->applied, s->numbers, s->patterns, (PyObject *)s->state_type, (PyObject *)s->advanced,
                        s->finished, s->rejected, s->does_not_unify};
    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
        Py_VISIT(held[i]);
    return 0;
}

static int Stepper_clear(Stepper *s)
{
    Py_CLEAR(s->applications);
    Py_CLEAR(s->known);
    Py_CLEAR(s->key);
    Py_CLEAR(s->stepped);
    Py_CLEAR(s->applied);
    return 0;
}

static void Stepper_dealloc(Stepper *s)
{
    PyObject_GC_UnTrack(s);
    Stepper_clear(s);
    PyObject *held[] = {(PyObject *)s->terms, (PyObject *)s->unifier, (PyObject *)s->combiner, s->numbers, s->patterns,
                        s->allowed, (PyObject *)s->state_type, (PyObject *)s->advanced, s->finished, s->rejected, s->does_not_unify,
                        s->key};
    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
        Py_XDECREF(held[i]);
    Py_TYPE(s)->tp_free((PyObject *)s);
}

static PyMethodDef Stepper_methods[] = {
    {"step", (PyCFunction)(void (*)(void))Stepper_step, METH_FASTCALL, NULL},
    {"step_many", (PyCFunction)(void (*)(void))Stepper_step_many, METH_FASTCALL, NULL},
    {"parts", (PyCFunction)(void (*)(void))Stepper_parts, METH_FASTCALL, NULL},
    {"admitted", (PyCFunction)(void (*)(void))Stepper_admitted, METH_FASTCALL, NULL},
    {NULL},
};

PyTypeObject StepperType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Stepper",
    .tp_basicsize = sizeof(Stepper),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "See proofsearch_metamath.search.stepping.Stepper.",
    .tp_new = Stepper_new,
    .tp_dealloc = (destructor)Stepper_dealloc,
    .tp_traverse = (traverseproc)Stepper_traverse,
    .tp_clear = (inquiry)Stepper_clear,
    .tp_methods = Stepper_methods,
};
