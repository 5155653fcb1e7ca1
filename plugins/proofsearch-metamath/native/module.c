/* The module proofsearch_metamath._native. */
#include "native.h"

PyObject *TermTooLargeError;

/* Eight bytes of a bit set, the lowest bits first on every machine; beyond its end there are zeros. */
static uint64_t word_at(const unsigned char *bytes, Py_ssize_t at, Py_ssize_t size)
{
    uint64_t word = 0;
    if (size - at >= 8) { /* without a condition inside, this is one instruction */
        for (int i = 0; i < 8; i++)
            word |= (uint64_t)bytes[at + i] << (8 * i);
        return word;
    }
    for (Py_ssize_t i = 0; at + i < size; i++)
        word |= (uint64_t)bytes[at + i] << (8 * i);
    return word;
}

/* The places of the ones in a bit set, ascending: the bytes of 64-bit numbers. See Library.array_of. */
static PyObject *positions(PyObject *module, PyObject *bits)
{
    (void)module;
    if (!PyBytes_Check(bits)) {
        PyErr_SetString(PyExc_TypeError, "a bit set is bytes, the lowest bits first");
        return NULL;
    }
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(bits);
    Py_ssize_t size = PyBytes_GET_SIZE(bits), count = 0;
    for (Py_ssize_t i = 0; i < size; i += 8)
        for (uint64_t word = word_at(at, i, size); word; word &= word - 1)
            count++;
    PyObject *found = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    if (found == NULL)
        return NULL;
    int64_t *next = (int64_t *)PyBytes_AS_STRING(found);
    for (Py_ssize_t i = 0; i < size; i += 8) {
        int64_t place = i * 8;
        for (uint64_t word = word_at(at, i, size); word; word >>= 1, place++) {
            for (; (word & 0xff) == 0; place += 8)
                word >>= 8;
            if (word & 1)
                *next++ = place;
        }
    }
    return found;
}

static PyMethodDef functions[] = {{"positions", positions, METH_O, NULL}, {NULL}};

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
                             &ColumnType, &HandleType, &StepperType, &OutcomesType, &FeaturesType};
    const char *names[] = {"Terms", "Pattern", "Unifier", "Combiner", "Application", "Column", "Handle", "Stepper", "Outcomes", "Features"};
    PyObject *plain = PyImport_ImportModule("proofsearch_metamath.terms");
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
