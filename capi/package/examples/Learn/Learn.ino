// Learns how three values of a sensor go together, and prints how well each new sample agrees.
#include <eigenmote.h>

static eigenmote_moments_f32_3 moments;
static eigenmote_pca_f32_3x1 pca;
static bool learnt = false;

void setup() {
  Serial.begin(115200);
  eigenmote_moments_f32_3_init(&moments);
}

void loop() {
  float sample[3] = {(float)analogRead(A0), (float)analogRead(A1), (float)analogRead(A2)};
  if (!learnt) {
    uint32_t count = 0;
    eigenmote_moments_f32_3_update(&moments, sample, 1);
    eigenmote_moments_f32_3_count(&moments, &count);
    learnt = count >= 500 && eigenmote_pca_f32_3x1_fit_from_moments(&pca, &moments) == EIGENMOTE_STATUS_OK;
  } else {
    eigenmote_scores scores;
    if (eigenmote_pca_f32_3x1_get_scores(&pca, sample, &scores) == EIGENMOTE_STATUS_OK) {
      Serial.print(scores.distance);
      Serial.print(' ');
      Serial.println(scores.t2);
    }
  }
  delay(10);
}
