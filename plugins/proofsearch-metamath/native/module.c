/* The module proofsearch_metamath._native. */
#include "native.h"

PyObject *TermTooLargeError;

enum { WORDS = 8, STRETCH = 8 * WORDS };

/* What is common to bit sets, in a stretch of them that begins at a byte. Many stretches are empty after a few sets. */
static inline int common(uint64_t *words, const unsigned char **sets, Py_ssize_t count, Py_ssize_t begin, size_t length)
{
    uint64_t others[WORDS] = {0}, any = 1;
    memset(words, 0, STRETCH);
    memcpy(words, sets[0] + begin, length);
    for (Py_ssize_t i = 1; i < count && any; i++) {
        memcpy(others, sets[i] + begin, length);
        any = 0;
        for (int j = 0; j < WORDS; j++)
            any |= words[j] &= others[j];
    }
    return any != 0;
}

/* The number of the lowest bit of a word that isn't 0. */
static inline int lowest(uint64_t word)
{
#ifdef __GNUC__
    return __builtin_ctzll(word);
#else
    int bit = 0;
    for (; !(word & 1); word >>= 1)
        bit++;
    return bit;
#endif
}

/* The places of the ones that bit sets have in common, ascending, as the bytes of 64-bit numbers. */
static PyObject *places_of_common(const unsigned char **sets, Py_ssize_t count, Py_ssize_t size)
{
    Py_ssize_t found = 0, cap = 256;
    PyObject *places = PyBytes_FromStringAndSize(NULL, cap * (Py_ssize_t)sizeof(int64_t));
    for (Py_ssize_t begin = 0; places != NULL && begin < size; begin += STRETCH) {
        uint64_t words[WORDS];
        /* Twice, so that the length of most is known to the compiler. */
        if (!(begin + STRETCH <= size ? common(words, sets, count, begin, STRETCH)
                                      : common(words, sets, count, begin, (size_t)(size - begin))))
            continue;
        if (found + 8 * STRETCH > cap) {
            cap = 2 * cap + 8 * STRETCH;
            if (_PyBytes_Resize(&places, cap * (Py_ssize_t)sizeof(int64_t)) < 0)
                break;
        }
        int64_t *next = (int64_t *)PyBytes_AS_STRING(places);
        for (int j = 0; j < WORDS; j++)
            for (uint64_t word = words[j]; word; word &= word - 1)
                next[found++] = (int64_t)(begin + 8 * j) * 8 + lowest(word);
    }
    if (places != NULL)
        _PyBytes_Resize(&places, found * (Py_ssize_t)sizeof(int64_t));
    return places;
}

/* matching(terms, term, num_rules, max_depth, within, sets, pack): see Library.matching. Sets are bytes, the lowest bits
 * first, by place; pack(place) makes and keeps one that is missing. */
static PyObject *matching(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    enum { MOST = 1024 };
    const unsigned char *sets[MOST + 1];
    if (n != 7 || Py_TYPE(args[0]) != &TermsType || !PyBytes_Check(args[4]) || !PyDict_Check(args[5])) {
        PyErr_SetString(PyExc_TypeError, "matching(terms, term, num_rules, max_depth, within, sets, pack)");
        return NULL;
    }
    int32_t term = terms_checked((Terms *)args[0], args[1]);
    Py_ssize_t num_rules = PyLong_AsSsize_t(args[2]), max_depth = PyLong_AsSsize_t(args[3]);
    if (term < 0 || PyErr_Occurred())
        return NULL;
    PyObject *places = terms_places((Terms *)args[0], term, num_rules, max_depth), *made = NULL;
    if (places == NULL)
        return NULL;
    Py_ssize_t size = PyBytes_GET_SIZE(args[4]), count = 1;
    sets[0] = (const unsigned char *)PyBytes_AS_STRING(args[4]);
    if (PyList_GET_SIZE(places) > MOST) {
        PyErr_SetString(PyExc_ValueError, "so many places are not near the root of a term");
        goto done;
    }
    for (; count <= PyList_GET_SIZE(places); count++) {
        PyObject *place = PyList_GET_ITEM(places, count - 1), *set = PyDict_GetItemWithError(args[5], place);
        if (set == NULL && !PyErr_Occurred()) {
            PyObject *packed = PyObject_CallOneArg(args[6], place);
            Py_XDECREF(packed);
            set = packed == NULL ? NULL : PyDict_GetItemWithError(args[5], place);
        }
        if (set == NULL || !PyBytes_Check(set) || PyBytes_GET_SIZE(set) != size) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "sets are bytes of one size");
            goto done;
        }
        sets[count] = (const unsigned char *)PyBytes_AS_STRING(set);
    }
    made = places_of_common(sets, count, size);
done:
    Py_DECREF(places);
    return made;
}

static PyMethodDef functions[] = {
    {"matching", (PyCFunction)(void (*)(void))matching, METH_FASTCALL, NULL},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "proofsearch_metamath._native",
    .m_doc = "Terms, unification and steps, compiled; the Python modules say what they mean.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyTypeObject *types[] = {&TermsType, &PatternType, &UnifierType, &CombinerType, &ApplicationType,
                             &ColumnType, &HandleType, &StepperType, &OutcomesType, &FeaturesType, &TowersType, &JudgeType};
    const char *names[] = {"Terms", "Pattern", "Unifier", "Combiner", "Application", "Column", "Handle", "Stepper", "Outcomes", "Features", "Towers", "Judge"};
    PyObject *plain = PyImport_ImportModule("proofsearch_metamath.library.terms");
    if (plain == NULL)
        return NULL;
    TermTooLargeError = PyObject_GetAttrString(plain, "TermTooLargeError");
    Py_DECREF(plain);
    if (TermTooLargeError == NULL)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module != NULL && i < sizeof(types) / sizeof(*types); i++)
        if (PyType_Ready(types[i]) < 0 || PyModule_AddObjectRef(module, names[i], (PyObject *)types[i]) < 0)
            Py_CLEAR(module);
    return module;
}
