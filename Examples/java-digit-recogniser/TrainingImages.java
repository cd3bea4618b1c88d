// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Labelled images and the answer they give for a new one; the only class that reads the data files. */
final class TrainingImages {
    static final int PIXELS = 64;
    static final int FULL_INK = 16;
    private static final int NEIGHBOURS = 5;

    /** One recognised digit with the weight of the votes for each. */
    static final class Answer {
        final double[] votes = new double[10];
        double nearestDistance;
        int digit;
        int agreeing;

        double confidence() {
            double all = 0;
            for (double vote : votes) {
                all += vote;
            }
            return votes[digit] / all;
        }
    }

    final int[][] images;
    final int[] digits;
    private final int[] least = new int[PIXELS];
    private final int[] most = new int[PIXELS];
    private final double inkMean;
    private final double inkDeviation;

    private TrainingImages(int[][] images, int[] digits) {
        this.images = images;
        this.digits = digits;
        Arrays.fill(least, FULL_INK);
        double sum = 0;
        double squares = 0;
        for (int[] image : images) {
            for (int i = 0; i < PIXELS; i++) {
                least[i] = Math.min(least[i], image[i]);
                most[i] = Math.max(most[i], image[i]);
            }
            sum += ink(image);
            squares += ink(image) * ink(image);
        }
        inkMean = sum / images.length;
        inkDeviation = Math.sqrt(squares / images.length - inkMean * inkMean);
    }

    /** Each line is 64 characters of base 17, one for each pixel, and the digit. */
    static TrainingImages read(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file, StandardCharsets.US_ASCII);
        int[][] images = new int[lines.size() - 1][PIXELS];
        int[] digits = new int[images.length];
        for (int row = 0; row < images.length; row++) {
            String line = lines.get(row + 1);
            for (int i = 0; i < PIXELS; i++) {
                images[row][i] = Character.digit(line.charAt(i), FULL_INK + 1);
            }
            digits[row] = line.charAt(PIXELS + 1) - '0';
        }
        return new TrainingImages(images, digits);
    }

    Answer recognise(int[] image) {
        long[] nearest = new long[NEIGHBOURS];
        Arrays.fill(nearest, Long.MAX_VALUE);
        for (int row = 0; row < images.length; row++) {
            // The squared distance above the row number: one comparison orders by both, so ties have one answer.
            long candidate = squaredDistance(image, images[row]) << 32 | row;
            for (int i = 0; i < NEIGHBOURS; i++) {
                if (candidate < nearest[i]) {
                    long pushedOut = nearest[i];
                    nearest[i] = candidate;
                    candidate = pushedOut;
                }
            }
        }
        Answer answer = new Answer();
        answer.nearestDistance = Math.sqrt(nearest[0] >> 32);
        for (long neighbour : nearest) {
            answer.votes[digits[(int) neighbour]] += 1 / (1 + Math.sqrt(neighbour >> 32));
        }
        for (int digit = 1; digit < 10; digit++) {
            answer.digit = answer.votes[digit] > answer.votes[answer.digit] ? digit : answer.digit;
        }
        for (long neighbour : nearest) {
            answer.agreeing += digits[(int) neighbour] == answer.digit ? 1 : 0;
        }
        return answer;
    }

    private static long squaredDistance(int[] a, int[] b) {
        int sum = 0;
        for (int i = 0; i < PIXELS; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return sum;
    }

    private static double ink(int[] image) {
        double sum = 0;
        for (int level : image) {
            sum += level;
        }
        return sum / PIXELS;
    }

    /** How many standard deviations this image's mean ink is from that of the training images. */
    double inkDrift(int[] image) {
        return Math.abs(ink(image) - inkMean) / inkDeviation;
    }

    /** Pixels darker or lighter than that pixel ever was in training. */
    int pixelsOutOfRange(int[] image) {
        int count = 0;
        for (int i = 0; i < PIXELS; i++) {
            count += image[i] < least[i] || image[i] > most[i] ? 1 : 0;
        }
        return count;
    }
}
