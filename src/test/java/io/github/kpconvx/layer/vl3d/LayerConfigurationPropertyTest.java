package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Property;
import io.github.kpconvx.Sample;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.vl3d.LayerSetup.Shells;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * Configurations of any kind survive writing and reading; their kernel points are what they say.
 */
class LayerConfigurationPropertyTest {

  @Property
  void whatIsWrittenIsRead(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    KPConvXLayer layer = setup.layer();
    KPConvXLayer ofConfig = KPConvXLayer.fromConfig(layer.getConfig());
    KPConvXLayer ofObject = KPConvXLayer.fromConfig(layer.serialize().toString());
    assertEquals(
        KerasObject.parseJson(layer.getConfig()), KerasObject.parseJson(ofConfig.getConfig()));
    assertEquals(layer.serialize(), ofObject.serialize());
    for (KPConvXLayer read : new KPConvXLayer[] {layer, ofConfig, ofObject}) {
      KPConvXConfig config = read.config();
      assertEquals("conv", read.name());
      assertEquals(setup.blocks(), config.blocks());
      assertEquals(setup.shells(), new Shells(config.shellRadii(), config.shellPoints()));
      assertEquals(setup.kernelPoints(), config.kernelPoints());
      assertEquals(setup.sigma(), config.sigma());
      assertEquals(setup.groups(), config.groups());
      assertEquals(setup.hidden(), config.hiddenChannels());
      assertEquals(setup.deformable(), config.deformable());
      assertEquals(setup.dropPath(), config.dropPath());
      assertEquals(setup.momentum(), config.bnMomentum());
      assertEquals(
          setup.norms().phi().map(given -> setup.blocks()), config.bnPhi().map(n -> n.size()));
      assertEquals(setup.norms().htilde().isPresent(), config.bnHtilde().isPresent());
      assertEquals(setup.norms().hhat().isPresent(), config.bnHhat().isPresent());
    }
  }

  @Property
  void kernelPointsLieOnTheirShells(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    Shells shells = setup.shells();
    double[][] points = setup.layer().config().shells().points();
    assertEquals(setup.kernelPoints(), points.length);
    for (int s = 0, k = 0; s < shells.radii().size(); s++) {
      for (int i = 0; i < shells.points().get(s); i++, k++) {
        assertEquals(shells.radii().get(s), radius(points[k]), 1e-7);
      }
    }
  }

  @Property
  void kernelPointsFollowTheUnitOfLength(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    double unit = sample.draw(random -> Math.pow(10, random.nextDouble(-2, 3)));
    double[][] points = setup.layer().config().shells().points();
    double[][] scaled = setup.scaled(unit).layer().config().shells().points();
    for (int k = 0; k < points.length; k++) {
      for (int c = 0; c < 3; c++) {
        assertEquals(points[k][c] * unit, scaled[k][c], 1e-6 * unit);
      }
    }
    assertArrayEquals(points, setup.layer().config().shells().points());
  }

  /**
   * Points that repel each other have come to rest: no small move of all of them lets go energy.
   */
  @Property
  void kernelPointsAreAtRest(Sample sample) {
    LayerSetup setup = sample.draw(LayerSetup::any);
    double[][] points = setup.layer().config().shells().points();
    Random random = new Random(sample.draw(RandomGenerator::nextLong));
    double[][] moved = new double[points.length][3];
    for (int k = 0; k < points.length; k++) {
      for (int c = 0; c < 3; c++) {
        moved[k][c] = points[k][c] + 1e-4 * random.nextGaussian();
      }
      double back = radius(moved[k]) == 0 ? 0 : radius(points[k]) / radius(moved[k]);
      for (int c = 0; c < 3; c++) {
        moved[k][c] *= back;
      }
    }
    double energy = FibonacciShellInitializer.energy(points);
    assertTrue(FibonacciShellInitializer.energy(moved) >= energy * (1 - 1e-12), () -> "" + energy);
  }

  private static double radius(double[] point) {
    return Math.sqrt(point[0] * point[0] + point[1] * point[1] + point[2] * point[2]);
  }
}
