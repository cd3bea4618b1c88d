// SPDX-License-Identifier: Apache-2.0
import io.github.algorun.AlgoRun;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one handwritten digit of 8 × 8 pixels: a request on stdin, a result on stdout, metrics to algo-run.
 *
 * <p>The model is the five nearest of the training images, nearer ones counting more. Only the JDK and the binding. Run
 * it in its own folder, because the training images are read from {@code data/train.csv}.
 */
public final class DigitRecogniser {
    /** The request cannot be answered; the message says what to change in it. */
    static final class BadRequest extends Exception {
        private static final long serialVersionUID = 1;

        BadRequest(String message) {
            super(message);
        }
    }

    public static void main(String[] arguments) throws IOException {
        TrainingImages training = TrainingImages.read(Path.of("data", "train.csv"));
        if (arguments.length == 1 && arguments[0].equals("--accuracy")) {
            measureAccuracy(training);
            return;
        }
        try {
            int[] image = parse(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
            TrainingImages.Answer answer = training.recognise(image);
            AlgoRun.report(metrics(training, image, answer));
            System.out.printf(
                    Locale.ROOT, "{\"digit\": %d, \"confidence\": %.4f}%n", answer.digit, answer.confidence());
        } catch (BadRequest problem) {
            System.err.println("digit-recogniser: " + problem.getMessage());
            System.exit(1);
        }
    }

    /** The JDK has no JSON reader; a request is one member with a list of integers, so a pattern is enough. */
    private static final Pattern REQUEST =
            Pattern.compile("\\s*\\{\\s*\"pixels\"\\s*:\\s*\\[([0-9,\\s]*)\\]\\s*\\}\\s*");

    static int[] parse(String text) throws BadRequest {
        Matcher request = REQUEST.matcher(text);
        if (!request.matches()) {
            throw new BadRequest("the request must be {\"pixels\": [...]} with 64 integers from 0 to 16");
        }
        String[] cells = request.group(1).split(",", -1);
        if (cells.length != TrainingImages.PIXELS) {
            throw new BadRequest("pixels must hold 64 integers, 8 rows of 8; there are " + cells.length);
        }
        int[] image = new int[TrainingImages.PIXELS];
        for (int i = 0; i < TrainingImages.PIXELS; i++) {
            String cell = cells[i].strip();
            if (!cell.matches("[0-9]|1[0-6]")) {
                throw new BadRequest("pixel " + i + " must be an integer from 0 (blank) to 16 (full)");
            }
            image[i] = Integer.parseInt(cell);
        }
        return image;
    }

    /** How sure the answer is, and how far this image is from those the model knows. */
    static Map<String, Number> metrics(TrainingImages training, int[] image, TrainingImages.Answer answer) {
        Map<String, Number> metrics = new LinkedHashMap<>();
        metrics.put("confidence", rounded(answer.confidence()));
        metrics.put("digit", answer.digit);
        metrics.put("class_count", 10);
        metrics.put("neighbour_agreement", answer.agreeing);
        metrics.put("nearest_distance", rounded(answer.nearestDistance));
        metrics.put("ink_drift_sd", rounded(training.inkDrift(image)));
        metrics.put("pixels_out_of_range", training.pixelsOutOfRange(image));
        return metrics;
    }

    private static double rounded(double value) {
        return Math.round(value * 10_000) / 10_000.0;
    }

    /** Asks for every image that was held out of training and counts the right answers. */
    static void measureAccuracy(TrainingImages training) throws IOException {
        TrainingImages heldOut = TrainingImages.read(Path.of("data", "held-out.csv"));
        int right = 0;
        for (int i = 0; i < heldOut.images.length; i++) {
            right += training.recognise(heldOut.images[i]).digit == heldOut.digits[i] ? 1 : 0;
        }
        System.out.printf(
                Locale.ROOT,
                "held-out accuracy: %d of %d (%.1f %%)%n",
                right,
                heldOut.digits.length,
                100.0 * right / heldOut.digits.length);
    }
}
