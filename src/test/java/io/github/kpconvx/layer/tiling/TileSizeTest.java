package io.github.kpconvx.layer.tiling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;

class TileSizeTest {
  private static final int PROCESSORS = RowTiles.processors();

  private static final TileSize FOLDED = new TileSize(false, false);
  private static final TileSize COMPILED = new TileSize(true, false);
  private static final TileSize FOLDED_ON_GPU = new TileSize(false, true);
  private static final TileSize COMPILED_ON_GPU = new TileSize(true, true);

  /** The rows of tiles of geometry and of a block, of so many points, neighbours and channels. */
  private static List<Integer> tiles(TileSize size, int points, int neighbours, int channels) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Padding padding = size.compiled() ? Padding.of(tf, tf.constant(points)) : Padding.NONE;
      PaddedRows rows =
          new PaddedRows(padding, tf.constant(points), tf.constant(neighbours), neighbours);
      Operand<TInt32> ofGeometry = size.ofGeometry(tf, rows);
      Operand<TInt32> ofBlock = size.ofBlock(tf, rows, channels);
      try (Result result = session.runner().fetch(ofGeometry).fetch(ofBlock).run()) {
        return List.of(((TInt32) result.get(0)).getInt(), ((TInt32) result.get(1)).getInt());
      }
    }
  }

  @Test
  void foldedTilesFitCachesAndGiveEachProcessorSome() {
    assertEquals(List.of(1024, 256), tiles(FOLDED, PROCESSORS * 5000, 16, 64));
    assertEquals(List.of(101, 101), tiles(FOLDED, PROCESSORS * 100 + 1, 16, 64));
    assertEquals(List.of(64, 64), tiles(FOLDED, 1, 16, 64));
    assertEquals(List.of(64, 64), tiles(FOLDED, PROCESSORS * 5000, 512, 64));
    assertEquals(List.of(2048, 2048), tiles(FOLDED, PROCESSORS * 5000, 0, 64));
  }

  @Test
  void compiledTilesHaveOneSizeAndGiveEachProcessorOne() {
    int sizes = 1 << 16;
    int shared = Math.max(256, Integer.highestOneBit(sizes / PROCESSORS));
    assertEquals(
        List.of(Math.min(16384, shared), Math.min(2048, shared)), tiles(COMPILED, sizes, 16, 64));
    assertEquals(
        List.of(Math.min(16384, shared), Math.min(512, shared)), tiles(COMPILED, sizes, 32, 128));
  }

  @Test
  void compiledTilesShrinkAsRowsGrow() {
    assertEquals(2048, TileSize.ofCompiledBlock(16, 64));
    assertEquals(512, TileSize.ofCompiledBlock(32, 128));
    assertEquals(2048, TileSize.ofCompiledBlock(0, 64));
    assertEquals(TileSize.COMPILED_FEWEST, TileSize.ofCompiledBlock(256, 512));
  }

  @Test
  void tilesOnGpusAreLargeButFitItsMemory() {
    assertEquals(List.of(1 << 17, 1 << 16), tiles(FOLDED_ON_GPU, 1000, 16, 64));
    assertEquals(List.of(1 << 17, 1 << 14), tiles(FOLDED_ON_GPU, 1000, 32, 128));
    assertEquals(List.of(1 << 16, 64), tiles(FOLDED_ON_GPU, 1000, 256, 1 << 16));
    assertEquals(List.of(1 << 17, 1 << 17), tiles(FOLDED_ON_GPU, 1000, 0, 64));
    assertEquals(List.of(1 << 14, 1 << 14), tiles(COMPILED_ON_GPU, 1 << 14, 16, 64));
    assertEquals(List.of(1 << 17, 1 << 16), tiles(COMPILED_ON_GPU, 1 << 18, 16, 64));
    assertEquals(List.of(1 << 16, 1 << 12), tiles(COMPILED_ON_GPU, 1 << 18, 256, 64));
  }
}
