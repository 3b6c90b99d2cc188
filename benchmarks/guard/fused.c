/* Runs a fused graph through onnxruntime's C interface: fused GRAPH.onnx POINTS.txt INPUTS. C, and C++ too.
 *
 * Prints "accept y" of each point, then "us T", the processor time of a point that is asked alone. Errors end it with code 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "onnxruntime_c_api.h"

static const OrtApi *ort;

static void demand(OrtStatus *status) {
  if (status == NULL) return;
  fprintf(stderr, "%s\n", ort->GetErrorMessage(status));
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 4) return 1;
  const int d = atoi(argv[3]);
  ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (ort == NULL) {
    fprintf(stderr, "the library is older than the headers\n");
    return 1;
  }
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtMemoryInfo *memory;
  demand(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "fused", &env));
  demand(ort->CreateSessionOptions(&options));
  demand(ort->SetIntraOpNumThreads(options, 1));
  demand(ort->CreateSession(env, argv[1], options, &session));
  demand(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));

  size_t n = 0, room = 1024;
  double *x = (double *)malloc(room * d * sizeof *x);
  FILE *points = fopen(argv[2], "r");
  if (points == NULL) return 1;
  for (double v; fscanf(points, "%lf", &v) == 1; n++) {
    if (n + 1 >= room * d) x = (double *)realloc(x, (room *= 2) * d * sizeof *x);
    x[n] = v;
  }
  fclose(points);
  n /= d;

  const char *inputs[] = {"x"}, *outputs[] = {"y", "accept", "estimate"};
  double microseconds = 0.0;
  for (size_t k = 0; k < n; k++) {
    const int64_t shape[] = {1, d};
    OrtValue *given = NULL, *results[3] = {NULL, NULL, NULL};
    const clock_t begin = clock();
    demand(ort->CreateTensorWithDataAsOrtValue(memory, x + k * d, d * sizeof *x, shape, 2,
                                               ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, &given));
    demand(ort->Run(session, NULL, inputs, (const OrtValue *const *)&given, 1, outputs, 3, results));
    microseconds += 1e6 * (double)(clock() - begin) / CLOCKS_PER_SEC;
    double *y;
    int32_t *accept;
    demand(ort->GetTensorMutableData(results[0], (void **)&y));
    demand(ort->GetTensorMutableData(results[1], (void **)&accept));
    printf("%d %.17g\n", *accept, y[0]);
    for (int i = 0; i < 3; i++) ort->ReleaseValue(results[i]);
    ort->ReleaseValue(given);
  }
  printf("us %.17g\n", microseconds / (double)n);
  return 0;
}
